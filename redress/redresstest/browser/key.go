package browser

import (
	"github.com/chromedp/cdproto/webauthn"
)

// Key gives the window a passkey's authenticator that knows its owner and answers at once. It wants Options.Scripts.
func (v *Visit) Key() {
	v.t.Helper()
	call(v, webauthn.Enable, webauthn.EnableParams{})
	call(v, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
}

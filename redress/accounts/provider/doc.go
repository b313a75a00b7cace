// Package provider lets people in whom a provider of identities vouches for (OpenID Connect): the code flow with
// PKCE, state and nonce.
//
// [Provider.Begin] gives the address to send a browser to and what is to come back with it; [Provider.Finish] makes
// of what came back a person with a role.
//
// # Decisions
//
// A role comes from a claim by a table of the configuration, and from nothing else. Who has none of the values is not let
// in. Of several the mightiest counts: operator, second reviewer, reviewer, auditor, household.
//
// A person is issuer and subject. Names and mail addresses change hands, so that an account is never found by one:
// who can choose their own name at the provider gets no other's account.
//
// Discovery waits for the first sign-in and is asked again after a failure, since provider and desk may start in any
// order. Answers are bounded in size and time.
//
// Where the provider's answer says by whom it is (RFC 9207), that must be ours; a provider that promises to say so
// must. A mix-up of two providers is then seen before the code is handed on.
package provider

package accounts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
)

// ceremonyTerm is how long a person may take to touch a key.
const ceremonyTerm = 5 * time.Minute

// maxCeremony bounds what a browser sends of a ceremony.
const maxCeremony = 32 << 10

// newPasskeys makes what speaks with browsers. Passkeys are bound to the name of the pages' host: where they have
// none, or are not in a secure context, there are none, and the result is nil.
func newPasskeys(origin, title string) (*webauthn.WebAuthn, error) {
	address, err := url.Parse(origin)
	if err != nil || address.Host == "" {
		return nil, nil
	}
	host := address.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || address.Scheme != "https" && host != "localhost" {
		return nil, nil
	}
	limit := webauthn.TimeoutConfig{Enforce: true, Timeout: ceremonyTerm, TimeoutUVD: ceremonyTerm}
	return webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: title, RPOrigins: []string{address.Scheme + "://" + address.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(), UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: limit, Registration: limit},
	})
}

// Passkeys says whether there can be any.
func (o *Office) Passkeys() bool { return o.passkeys != nil }

// Passkey is one of an account's.
type Passkey struct {
	ID    string // of this account, in the address of its removal
	Label string
	Made  time.Time
	Used  time.Time // zero: never
}

// Ceremony is what a browser is asked, and what it sends back beside its answer.
type Ceremony struct {
	Options json.RawMessage `json:"options"`
	State   string          `json:"state"`
}

// holder is an account as the library sees it.
type holder struct {
	account *Account
	handle  []byte
	has     []webauthn.Credential
}

func (h *holder) WebAuthnID() []byte                         { return h.handle }
func (h *holder) WebAuthnName() string                       { return h.account.Name }
func (h *holder) WebAuthnDisplayName() string                { return h.account.Name }
func (h *holder) WebAuthnCredentials() []webauthn.Credential { return h.has }

// ErrPasskey says that a passkey is not taken, and ErrNoPasskeys that these pages cannot have any.
var (
	ErrPasskey    = errors.New("the passkey was not accepted")
	ErrNoPasskeys = errors.New("passkeys need pages with a name, over https")
)

func holderOf(ctx context.Context, from store.Querier, account *Account) (*holder, error) {
	h := &holder{account: account}
	err := from.QueryRowContext(ctx, `SELECT handle FROM accounts WHERE id = ?`, string(account.ID)).Scan(&h.handle)
	if err != nil {
		return nil, err
	}
	err = store.Each(ctx, from, func(rows *sql.Rows) error {
		var text string
		var credential webauthn.Credential
		if err := rows.Scan(&text); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(text), &credential)
		h.has = append(h.has, credential)
		return err
	}, `SELECT credential FROM account_passkeys WHERE account = ? ORDER BY made_at`, string(account.ID))
	return h, err
}

// register begins the making of a passkey.
func (o *Office) register(h *holder, place string) (*Ceremony, error) {
	if o.passkeys == nil {
		return nil, ErrNoPasskeys
	}
	exclude := make([]protocol.CredentialDescriptor, 0, len(h.has))
	for i := range h.has {
		exclude = append(exclude, h.has[i].Descriptor())
	}
	creation, session, err := o.passkeys.BeginRegistration(h, webauthn.WithExclusions(exclude))
	if err != nil {
		return nil, fmt.Errorf("begin passkey: %w", err)
	}
	return o.ceremony(creation.Response, session, place)
}

func (o *Office) ceremony(options any, session *webauthn.SessionData, place string) (*Ceremony, error) {
	encoded, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	kept, err := json.Marshal(session)
	if err != nil {
		return nil, err
	}
	sealed, err := o.keys.seal("passkey "+place, kept)
	return &Ceremony{Options: encoded, State: base64.RawURLEncoding.EncodeToString(sealed)}, err
}

// resume opens what a browser sent back of a ceremony.
func (o *Office) resume(state, place string) (*webauthn.SessionData, error) {
	if o.passkeys == nil {
		return nil, ErrNoPasskeys
	}
	octets, err := base64.RawURLEncoding.DecodeString(state[:min(len(state), maxCeremony)])
	if err != nil {
		return nil, ErrPasskey
	}
	kept, err := o.keys.open("passkey "+place, octets)
	if err != nil {
		return nil, ErrPasskey
	}
	session := new(webauthn.SessionData)
	if err := json.Unmarshal(kept, session); err != nil {
		return nil, ErrPasskey
	}
	return session, nil
}

// once uses a challenge up.
func once(ctx context.Context, tx *store.Tx, challenge string, ends time.Time) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM account_spent WHERE ends_at < ?`, now().UnixMicro()); err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(challenge))
	var kept []byte
	err := tx.QueryRowContext(ctx, `INSERT INTO account_spent (hash, ends_at) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING hash`, hash[:], ends.UnixMicro()).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrPasskey
	}
	return err
}

// registered checks what a browser made.
func (o *Office) registered(h *holder, session *webauthn.SessionData, response []byte) (*webauthn.Credential, error) {
	if len(response) > maxCeremony {
		return nil, ErrPasskey
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, ErrPasskey
	}
	credential, err := o.passkeys.CreateCredential(h, *session, parsed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	return credential, nil
}

// maxLabel bounds what a passkey is called.
const maxLabel = 60

func insertPasskey(ctx context.Context, tx *store.Tx, id ID, label string, credential *webauthn.Credential) error {
	text, err := json.Marshal(credential)
	if err != nil {
		return err
	}
	var kept []byte
	err = tx.QueryRowContext(ctx, `INSERT INTO account_passkeys (id, account, label, credential, made_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
		credential.ID, string(id), shortened(label), string(text), now().UnixMicro()).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrPasskey // it is somebody's already
	}
	return err
}

// shortened is a label without what is not shown.
func shortened(label string) string {
	var kept []rune
	for _, r := range label {
		if len(kept) < maxLabel && r >= ' ' && r != 0x7f && r != 0xfffd {
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return "passkey"
	}
	return string(kept)
}

// BeginAccept begins to accept an invitation by a passkey. The name is that of the first account.
func (o *Office) BeginAccept(ctx context.Context, word, name string, network netip.Addr) (*Ceremony, error) {
	h, err := o.invitedHolder(ctx, word, name, network)
	if err != nil {
		return nil, err
	}
	return o.register(h, "accept "+word)
}

func (o *Office) invitedHolder(ctx context.Context, word, name string, network netip.Addr) (*holder, error) {
	invitation, err := o.Invited(ctx, word, network)
	if err != nil {
		return nil, err
	}
	if invitation.Account != nil {
		return holderOf(ctx, o.database, invitation.Account)
	}
	account, err := makeAccount(Making{Name: name, Role: redress.Operator})
	return &holder{account: account, handle: random(handleSize)}, err
}

// Answer is what a browser sends at the end of a ceremony.
type Answer struct {
	State    string
	Response []byte
	Label    string // of a new passkey
	Before   string // the session that the browser has, if any
}

// FinishAccept uses a word up: the passkey is made, and lets in.
func (o *Office) FinishAccept(ctx context.Context, word, name string, network netip.Addr, answer *Answer) (*Admission, error) {
	h, err := o.invitedHolder(ctx, word, name, network)
	if err != nil {
		return nil, err
	}
	session, err := o.resume(answer.State, "accept "+word)
	if err != nil {
		return nil, err
	}
	h.handle = session.UserID // the first account has it from here
	credential, err := o.registered(h, session, answer.Response)
	if err != nil {
		return nil, err
	}
	return o.accept(ctx, h.account, h.handle, word, answer.Before, func(tx *store.Tx, _ *Admission) error {
		if err := once(ctx, tx, session.Challenge, session.Expires); err != nil {
			return err
		}
		return insertPasskey(ctx, tx, h.account.ID, answer.Label, credential)
	})
}

// BeginAdd begins to give an account one more passkey.
func (o *Office) BeginAdd(ctx context.Context, who Identity) (*Ceremony, error) {
	account, err := find(ctx, o.database, string(who.Account))
	if err != nil {
		return nil, err
	}
	h, err := holderOf(ctx, o.database, account)
	if err != nil {
		return nil, err
	}
	return o.register(h, "add "+string(who.Account))
}

// FinishAdd gives an account one more passkey.
func (o *Office) FinishAdd(ctx context.Context, who Identity, answer *Answer) (*Admission, error) {
	account, err := find(ctx, o.database, string(who.Account))
	if err != nil {
		return nil, err
	}
	h, err := holderOf(ctx, o.database, account)
	if err != nil {
		return nil, err
	}
	session, err := o.resume(answer.State, "add "+string(who.Account))
	if err != nil {
		return nil, err
	}
	credential, err := o.registered(h, session, answer.Response)
	if err != nil {
		return nil, err
	}
	return o.factor(ctx, account, who.Method, answer.Before, "passkey added", func(tx *store.Tx, _ *Admission) error {
		if err := once(ctx, tx, session.Challenge, session.Expires); err != nil {
			return err
		}
		return insertPasskey(ctx, tx, account.ID, answer.Label, credential)
	})
}

// PasskeysOf are those of an account.
func (o *Office) PasskeysOf(ctx context.Context, id ID) ([]Passkey, error) {
	var found []Passkey
	err := store.Each(ctx, o.database, func(rows *sql.Rows) error {
		var one Passkey
		var key []byte
		var made int64
		var used sql.NullInt64
		err := rows.Scan(&key, &one.Label, &made, &used)
		one.ID, one.Made = base64.RawURLEncoding.EncodeToString(key), time.UnixMicro(made).UTC()
		if used.Valid {
			one.Used = time.UnixMicro(used.Int64).UTC()
		}
		found = append(found, one)
		return err
	}, `SELECT id, label, made_at, used_at FROM account_passkeys WHERE account = ? ORDER BY made_at, id`, string(id))
	return found, err
}

// ErrLast says that something would leave an account with nothing to sign in with.
var ErrLast = errors.New("this is the last that the account signs in with; add another first")

// RemovePasskey takes a passkey away from an account.
func (o *Office) RemovePasskey(ctx context.Context, who Identity, session, key string) (*Admission, error) {
	octets, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return nil, ErrPasskey
	}
	account, err := find(ctx, o.database, string(who.Account))
	if err != nil {
		return nil, err
	}
	return o.factor(ctx, account, who.Method, session, "passkey removed", func(tx *store.Tx, _ *Admission) error {
		var gone []byte
		err := tx.QueryRowContext(ctx, `DELETE FROM account_passkeys WHERE account = ? AND id = ? RETURNING id`, string(account.ID), octets).Scan(&gone)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrPasskey
		}
		if err != nil {
			return err
		}
		left, err := find(ctx, tx, string(account.ID))
		if err == nil && !left.Ready() {
			err = ErrLast
		}
		return err
	})
}

// BeginSignIn asks a browser for whatever passkey it has for these pages. No name is told, and none asked for.
func (o *Office) BeginSignIn() (*Ceremony, error) {
	if o.passkeys == nil {
		return nil, ErrNoPasskeys
	}
	assertion, session, err := o.passkeys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("begin sign-in: %w", err)
	}
	return o.ceremony(assertion.Response, session, "sign-in")
}

// ByPasskey lets in whose passkey answered.
func (o *Office) ByPasskey(ctx context.Context, network netip.Addr, answer *Answer) (*Admission, error) {
	limits := o.limits("", network, "")
	if err := o.take(ctx, limits); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	session, err := o.resume(answer.State, "sign-in")
	if err != nil {
		return nil, err
	}
	h, credential, err := o.asserted(ctx, session, answer.Response)
	if err != nil {
		return nil, err
	}
	if credential.Authenticator.CloneWarning {
		return nil, o.cloned(ctx, h.account)
	}
	admission := &Admission{Account: h.account, Device: o.device(h.account.ID), Left: -1}
	err = o.database.Tx(ctx, func(tx *store.Tx) error {
		if err := once(ctx, tx, session.Challenge, session.Expires); err != nil {
			return err
		}
		if err := useKey(ctx, tx, h, credential); err != nil {
			return err
		}
		if err := giveBack(ctx, tx, limits); err != nil {
			return err
		}
		admission.Session, err = o.openSession(ctx, tx, h.account, ByPasskey, answer.Before)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return admission, nil
}

func (o *Office) asserted(ctx context.Context, session *webauthn.SessionData, response []byte) (*holder, *webauthn.Credential, error) {
	if len(response) > maxCeremony {
		return nil, nil, ErrPasskey
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, nil, ErrPasskey
	}
	var found *holder
	credential, err := o.passkeys.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
		account, err := scanAccount(o.database.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts a WHERE a.removed_at IS NULL AND a.handle = ?`, handle))
		if err != nil {
			return nil, err
		}
		found, err = holderOf(ctx, o.database, account)
		return found, err
	}, *session, parsed)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	return found, credential, nil
}

// useKey writes down how often a key was used. Where another sign-in with the same key came between, the counter is
// not known to be right any more, and the answer is no.
func useKey(ctx context.Context, tx *store.Tx, h *holder, credential *webauthn.Credential) error {
	text, err := json.Marshal(credential)
	if err != nil {
		return err
	}
	var before string
	if err := tx.QueryRowContext(ctx, `SELECT credential FROM account_passkeys WHERE id = ? AND account = ?`, credential.ID, string(h.account.ID)).Scan(&before); err != nil {
		return ErrPasskey
	}
	var kept webauthn.Credential
	if err := json.Unmarshal([]byte(before), &kept); err != nil {
		return err
	}
	if kept.Authenticator.SignCount > 0 && kept.Authenticator.SignCount >= credential.Authenticator.SignCount {
		return ErrPasskey
	}
	_, err = tx.ExecContext(ctx, `UPDATE account_passkeys SET credential = ?, used_at = ? WHERE id = ?`, string(text), now().UnixMicro(), credential.ID)
	return err
}

// cloned takes down that a key's counter went back: there may be two of it.
func (o *Office) cloned(ctx context.Context, account *Account) error {
	err := o.database.Tx(ctx, func(tx *store.Tx) error {
		return o.note(ctx, tx, actorOf(account), FactorChanged, account.ID, Facts{What: "passkey refused: its counter went back"})
	})
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	o.logger.Warn("a passkey was refused, since its counter went back: there may be two of it", "account", string(account.ID))
	return ErrPasskey
}

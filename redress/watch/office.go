package watch

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/notify"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Bounds of watches.
const (
	perName  = 20                    // confirmed or not
	openLife = redress.ChallengeLife // until one that is not confirmed is erased
	mostOpen = 10_000                // not confirmed, in all
)

// Why a watch cannot be begun, or is not there.
var (
	ErrUnknown  = errors.New("no such watch, or the token does not open it")
	ErrMany     = errors.New("the name has as many watches as it may")
	ErrUnproved = errors.New("control of the name is not proved yet")
)

// Seal keeps mailboxes, and makes the words to leave by.
type Seal interface {
	Close(octets []byte, place string) []byte
	Open(octets []byte, place string) ([]byte, error)
	Word(place string) []byte
}

// Letters writes to watchers.
type Letters interface {
	Confirm(language, name, path string) notify.Message
	Watched(language, name string, lists []string, leave string) notify.Message
}

// Office is where watches begin and end.
type Office struct {
	db      *store.DB
	seal    Seal
	prover  redress.Prover
	letters Letters
}

// New makes an office.
func New(db *store.DB, seal Seal, prover redress.Prover, letters Letters) *Office {
	return &Office{db: db, seal: seal, prover: prover, letters: letters}
}

// Wish is what an owner wants watched, as it was written.
type Wish struct {
	Name     string
	Mail     string
	Language string
}

// Begun is a watch that waits for its proof.
type Begun struct {
	ID        string
	Token     string // nowhere else
	Name      wire.Name
	Challenge redress.Challenge
	Until     time.Time
}

// Begin notes a wish. Its error is a *[redress.Invalid] where the wish is at fault.
func (o *Office) Begin(ctx context.Context, wish Wish) (Begun, error) {
	invalid := new(redress.Invalid)
	name, err := redress.ReadName(wish.Name)
	if err != nil {
		invalid.Fields = append(invalid.Fields, redress.FieldProblem{Field: "name", Text: err.Error()})
	}
	mailbox, err := notify.ParseAddress(strings.TrimSpace(wish.Mail))
	if err != nil {
		invalid.Fields = append(invalid.Fields, redress.FieldProblem{Field: "mail", Text: err.Error()})
	}
	if len(wish.Language) > redress.MaxLanguage {
		invalid.Fields = append(invalid.Fields, redress.FieldProblem{Field: "language", Text: "give a language tag, as en, or nothing"})
	}
	if len(invalid.Fields) > 0 {
		return Begun{}, invalid
	}
	now := time.Now()
	begun := Begun{ID: "W-" + rand.Text()[:16], Token: secret(), Name: name, Until: now.Add(openLife).UTC()}
	value := "redress=" + secret()
	begun.Challenge = redress.ChallengeFor(name, value)
	return begun, o.insert(ctx, &begun, mailbox, wish.Language, value, now)
}

// secret is 160 random bits, as tokens and challenges have them.
func secret() string {
	octets := make([]byte, 20)
	_, _ = rand.Read(octets) // never fails (crypto/rand)
	return plain(octets)
}

func plain(octets []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(octets))
}

func (o *Office) insert(ctx context.Context, begun *Begun, mailbox, language, value string, now time.Time) error {
	hash := redress.HashToken(begun.Token)
	err := o.db.Tx(ctx, func(tx *store.Tx) error {
		var named, open int
		err := tx.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM watches WHERE name = ?), (SELECT count(*) FROM watches WHERE confirmed_at IS NULL)`, begun.Name.String()).Scan(&named, &open)
		if err != nil {
			return err
		}
		if named >= perName || open >= mostOpen {
			return ErrMany
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO watches (id, name, contact, language, token, challenge, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			begun.ID, begun.Name.String(), o.seal.Close([]byte(mailbox), placeOf(begun.ID)), language, hash[:], value, now.UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("begin watch: %w", err)
	}
	return nil
}

func placeOf(id string) string { return "watch/" + id }

// row is a watch as it is kept.
type row struct {
	id, language, challenge, lists string
	name                           wire.Name
	contact                        []byte
	token, confirm                 []byte
	at                             time.Time
	proved, confirmed              bool
	told                           int64
}

const columns = `id, name, contact, language, token, challenge, at, proved_at, confirm, confirmed_at, lists, told`

func scan(rows *sql.Rows) (row, error) {
	var (
		one               row
		name              string
		at                int64
		proved, confirmed sql.NullInt64
	)
	if err := rows.Scan(&one.id, &name, &one.contact, &one.language, &one.token, &one.challenge, &at, &proved, &one.confirm, &confirmed, &one.lists, &one.told); err != nil {
		return one, err
	}
	one.at, one.proved, one.confirmed = time.UnixMicro(at), proved.Valid, confirmed.Valid
	parsed, err := wire.ParseName(name)
	one.name = parsed
	return one, err
}

func find(ctx context.Context, from store.Querier, id string) (row, error) {
	found := row{}
	err := store.Each(ctx, from, func(rows *sql.Rows) (err error) {
		found, err = scan(rows)
		return err
	}, `SELECT `+columns+` FROM watches WHERE id = ?`, id)
	if err == nil && found.id == "" {
		err = ErrUnknown
	}
	return found, err
}

// matches compares a secret with what was kept of it, in constant time.
func matches(kept []byte, given string) bool {
	hash := redress.HashToken(given)
	return hmac.Equal(kept, hash[:])
}

// Verify tries a proof of control now. With the first that is right, a mail asks the mailbox to
// confirm.
func (o *Office) Verify(ctx context.Context, id, token string, method redress.Method) (redress.Proof, error) {
	if method == "" {
		method = redress.ByDNS
	}
	if !method.Watched() {
		return redress.Proof{}, &redress.Invalid{Fields: []redress.FieldProblem{{Field: "method", Text: "must be dns, http or page"}}}
	}
	one, err := find(ctx, o.db, id)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return redress.Proof{}, fmt.Errorf("verify watch: %w", err)
	}
	if !matches(one.token, token) {
		return redress.Proof{}, ErrUnknown
	}
	if one.proved {
		return redress.Proof{Verified: true, Detail: "Control of the name was proved before."}, nil
	}
	proof, err := o.prover.Prove(ctx, redress.Claim{Name: one.name, Language: one.language, Challenge: redress.ChallengeFor(one.name, one.challenge), Method: method})
	if err != nil || !proof.Verified {
		return proof, err
	}
	return proof, o.ask(ctx, one)
}

// ask notes the proof and queues the mail that asks for confirmation, once.
func (o *Office) ask(ctx context.Context, one row) error {
	mailbox, err := o.seal.Open(one.contact, placeOf(one.id))
	if err != nil {
		return fmt.Errorf("verify watch: %w", err)
	}
	code := secret()
	hash := redress.HashToken(code)
	err = o.db.Tx(ctx, func(tx *store.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE watches SET proved_at = ?, confirm = ? WHERE id = ? AND proved_at IS NULL`, time.Now().UnixMicro(), hash[:], one.id)
		if err != nil {
			return err
		}
		if changed, err := result.RowsAffected(); err != nil || changed == 0 {
			return err // another request was quicker
		}
		message := o.letters.Confirm(one.language, one.name.String(), "/watch/"+one.id+"?code="+code)
		message.To, message.Key = notify.Mail(string(mailbox)), "watch/"+one.id+"/confirm"
		return notify.Queue(ctx, tx, message)
	})
	if err != nil {
		return fmt.Errorf("verify watch: %w", err)
	}
	return nil
}

// Confirm begins to watch, with the code that came by mail. It works once. What blocks the
// name now is where it begins: the owner is told of what changes.
func (o *Office) Confirm(ctx context.Context, id, code string, blocking func(wire.Name) []string) error {
	err := o.db.Tx(ctx, func(tx *store.Tx) error {
		one, err := find(ctx, tx, id)
		if err != nil && !errors.Is(err, ErrUnknown) {
			return err
		}
		if !matches(one.confirm, code) || one.confirmed || !one.proved {
			return ErrUnknown
		}
		_, err = tx.ExecContext(ctx, `UPDATE watches SET confirmed_at = ?, confirm = NULL, lists = ? WHERE id = ?`, time.Now().UnixMicro(), joined(blocking(one.name)), id)
		return err
	})
	if err != nil {
		return fmt.Errorf("confirm watch: %w", err)
	}
	return nil
}

func joined(lists []string) string {
	lists = slices.Clone(lists)
	slices.Sort(lists)
	return strings.Join(slices.Compact(lists), " ")
}

// Word is what leaves a watch.
func (o *Office) word(id string) string { return plain(o.seal.Word(placeOf(id))) }

// leavePath is the address by which the reader of a letter leaves.
func (o *Office) leavePath(id string) string { return "/watch/" + id + "/leave?token=" + o.word(id) }

// Leave ends a watch and erases it. Either the word of its letters or its token will do. That it
// is gone already is no error: who left twice wanted to.
func (o *Office) Leave(ctx context.Context, id, token string) error {
	one, err := find(ctx, o.db, id)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return fmt.Errorf("leave watch: %w", err)
	}
	if !hmac.Equal([]byte(o.word(id)), []byte(token)) && !matches(one.token, token) {
		return ErrUnknown
	}
	err = o.db.Tx(ctx, func(tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM watches WHERE id = ?`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("leave watch: %w", err)
	}
	return nil
}

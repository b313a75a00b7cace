package policy

import (
	"fmt"

	"github.com/recourse-dns/recourse/blocklists"
)

const english = "en"

// words are the sentences of a justification in one language. Where they take something, it is
// who blocks or orders, and what for.
type words struct {
	law, lawHidden           string
	security, securityHidden string
	user, userOwn            string
	service, offline, pause  string
}

// wordsIn gives those of a language; nil where there are none.
func wordsIn(language string) *words {
	switch language {
	case english:
		return &words{
			law: "Blocked by order of %s: %s.", lawHidden: "Blocked by order of an authority.",
			security: "Blocked for security by %s: %s.", securityHidden: "Blocked for security by %s.",
			user: "Blocked by a filter that the account holder chose: %s.", userOwn: "Blocked by a filter that the account holder chose.",
			service: "Blocked: the account holder switched this service off.", offline: "Blocked: the account holder chose these hours to be offline.",
			pause: "Blocked: the account holder paused the Internet.",
		}
	case "it":
		return &words{
			law: "Bloccato per ordine di %s: %s.", lawHidden: "Bloccato per ordine di un'autorità.",
			security: "Bloccato per sicurezza da %s: %s.", securityHidden: "Bloccato per sicurezza da %s.",
			user: "Bloccato da un filtro scelto dal titolare del contratto: %s.", userOwn: "Bloccato da un filtro scelto dal titolare del contratto.",
			service: "Bloccato: il titolare del contratto ha disattivato questo servizio.", offline: "Bloccato: il titolare del contratto ha scelto queste ore senza Internet.",
			pause: "Bloccato: il titolare del contratto ha messo in pausa Internet.",
		}
	case "et":
		return &words{
			law: "Blokeeritud korraldusega, mille andis %s: %s.", lawHidden: "Blokeeritud ametiasutuse korraldusega.",
			security: "Turvalisuse huvides blokeerinud %s: %s.", securityHidden: "Turvalisuse huvides blokeerinud %s.",
			user: "Blokeeritud konto omaniku valitud filtriga: %s.", userOwn: "Blokeeritud konto omaniku valitud filtriga.",
			service: "Blokeeritud: konto omanik lülitas selle teenuse välja.", offline: "Blokeeritud: konto omanik valis need tunnid internetita.",
			pause: "Blokeeritud: konto omanik peatas interneti.",
		}
	case "de":
		return &words{
			law: "Gesperrt auf Anordnung von %s: %s.", lawHidden: "Gesperrt auf Anordnung einer Behörde.",
			security: "Zum Schutz gesperrt von %s: %s.", securityHidden: "Zum Schutz gesperrt von %s.",
			user: "Gesperrt durch einen Filter, den der Kontoinhaber gewählt hat: %s.", userOwn: "Gesperrt durch einen Filter, den der Kontoinhaber gewählt hat.",
			service: "Gesperrt: Der Kontoinhaber hat diesen Dienst abgeschaltet.", offline: "Gesperrt: Der Kontoinhaber hat für diese Stunden kein Internet gewählt.",
			pause: "Gesperrt: Der Kontoinhaber hat das Internet angehalten.",
		}
	case "fr":
		return &words{
			law: "Bloqué sur ordre de %s : %s.", lawHidden: "Bloqué sur ordre d'une autorité.",
			security: "Bloqué pour votre sécurité par %s : %s.", securityHidden: "Bloqué pour votre sécurité par %s.",
			user: "Bloqué par un filtre que le titulaire du compte a choisi : %s.", userOwn: "Bloqué par un filtre que le titulaire du compte a choisi.",
			service: "Bloqué : le titulaire du compte a désactivé ce service.", offline: "Bloqué : le titulaire du compte a choisi ces heures sans Internet.",
			pause: "Bloqué : le titulaire du compte a mis Internet en pause.",
		}
	}
	return nil
}

// sentenceIn says by whom a name is blocked and, of a list that may be shown, why. No profile
// and no client is in it.
func sentenceIn(language string, o *Operator, match *Match) string {
	in := wordsIn(language)
	if match.Manifest == nil {
		return in.own(match.Role)
	}
	secret, about := match.Manifest.Disclosure == blocklists.Secret, titleIn(language, match.Manifest)
	switch purpose := match.Purpose(); {
	case purpose == blocklists.Law && (secret || match.Authority().Name == ""):
		return in.lawHidden
	case purpose == blocklists.Law:
		return fmt.Sprintf(in.law, plain(match.Authority().Name), about)
	case purpose == blocklists.Security && secret:
		return fmt.Sprintf(in.securityHidden, plain(o.Name))
	case purpose == blocklists.Security:
		return fmt.Sprintf(in.security, plain(o.Name), about)
	case secret:
		return in.userOwn
	}
	return fmt.Sprintf(in.user, about)
}

// own is the same for every profile.
func (w *words) own(role Role) string {
	switch role {
	case Service:
		return w.service
	case Offline:
		return w.offline
	case Pause:
		return w.pause
	}
	return w.userOwn
}

// titleIn is what a list calls itself in a language; else its category.
func titleIn(language string, manifest *blocklists.Manifest) string {
	if title := plain(manifest.Title[language]); title != "" {
		return title
	}
	return plain(manifest.Category)
}

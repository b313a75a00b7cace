package main

import (
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress/workdays"
)

func (c *Config) checkDesk() {
	c.checkStore()
	c.checkRetention()
	c.checkMisuse()
	c.checkMail()
	c.checkRetest()
	c.checkSignIn()
	if country := c.Desk.Country; country != "" && !workdays.Known(country) {
		c.report.warn("desk.country", "no public holidays of %s are known; working days are Monday to Friday", quote(country))
	}
	c.checkHouseholds()
	first := map[string]int{}
	for i := range c.Desk.Tokens {
		token, path := &c.Desk.Tokens[i], item("desk.tokens", i)
		if earlier, twice := first[token.Name]; twice && token.Name != "" {
			c.report.problem(child(path, "name"), "%s is the name of desk.tokens[%d] already", quote(token.Name), earlier)
		} else {
			first[token.Name] = i
		}
		c.checkToken(path, token)
	}
}

func (c *Config) checkToken(path string, token *Token) {
	if token.Name == "" {
		c.report.problem(child(path, "name"), "is missing: it stands in the event log for who acted")
	}
	if token.File == "" {
		c.report.problem(child(path, "file"), "is missing: the file that holds the token")
	}
	if token.File != "" {
		if _, err := c.ReadToken(token); err != nil {
			c.fileProblem(child(path, "file"), token.File, err)
		}
	}
	if !token.Until.IsZero() && token.Until.Before(time.Now()) {
		c.report.warn(child(path, "until"), "token %s ended on %s", quote(token.Name), token.Until.Format(time.DateOnly))
	}
	for i, id := range token.Lists {
		if !c.hasList(id) && !c.report.isBad("blocklists") {
			c.report.problem(item(child(path, "lists"), i), "no list has the id %s", quote(string(id)))
		}
	}
	if (token.Rate.Burst == 0) != (token.Rate.PerMinute == 0) || token.Rate.Burst > maxRate || token.Rate.PerMinute > maxRate {
		c.report.problem(child(path, "rate"), "has a burst and a number per_minute, of up to a million each, as {burst: 100, per_minute: 600}")
	}
	c.checkRole(path, token)
}

// maxRate bounds what a rate says.
const maxRate = 1_000_000

func (c *Config) hasList(id blocklists.ListID) bool {
	for _, manifest := range c.Blocklists {
		if manifest.ID == id {
			return true
		}
	}
	return false
}

func (c *Config) checkRole(path string, token *Token) {
	c.checkHousehold(path, token)
	switch token.Role {
	case "":
		c.report.problem(child(path, "role"), "is missing: reviewer, second_reviewer, operator, auditor, authority, household, provisioning or node")
	case "reviewer", "second_reviewer", "operator", "auditor", "node":
		if len(token.Networks) > 0 || token.Certificate != "" || token.Mail != "" {
			c.report.problem(path, "networks, certificate and mail bind tokens of role authority only")
		}
		// Passed over in silence, a bound would leave a token mightier than its file says.
		if token.Authority != "" || len(token.Jurisdiction)+len(token.Lists) > 0 || token.DailyMax > 0 {
			c.report.problem(path, "authority, jurisdiction, lists and daily_max bind tokens of role authority only")
		}
	case "authority":
		if token.Authority == "" {
			c.report.problem(child(path, "authority"), "is missing: a token of role authority acts for one")
		}
		c.checkAuthority(path, token)
	case "provisioning", "household":
		c.checkClientRole(path, token)
	}
}

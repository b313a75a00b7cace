package main

import (
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/statements"
)

// writeStatements lets statements of reasons be written in the party's language; people of ours write in
// the operator's first.
func (n *node) writeStatements(casework *redress.Config) error {
	written, err := statements.New(statements.Config{Location: time.Local, First: n.config.Operator.Languages, More: n.config.languageFiles()})
	if err != nil {
		return err
	}
	casework.Statements, casework.Language = written, language.Source
	if offered := n.config.Operator.Languages; len(offered) > 0 {
		casework.Language = offered[0]
	}
	return nil
}

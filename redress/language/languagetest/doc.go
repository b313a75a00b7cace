// Package languagetest holds texts to what readers and templates need: no key is missing, none
// is unused, every language is there, and no sentence is longer than plain words allow (level B1).
package languagetest

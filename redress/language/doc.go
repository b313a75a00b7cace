// Package language is the words of pages and messages in many languages.
//
// A part of the program (the page kit, the portal, the household) brings one file a language,
// PART.TAG.json, with a text for each key. [Load] reads them into a [Catalogue]; [Join] lays
// several on each other; [Chooser.Choose] finds the language for a reader, and [Catalogue.In] gives
// the [Tongue] that says texts, numbers, times and lengths of time in it.
//
// A text is plain, with placeholders in braces: "{name} is blocked here." One that counts has a
// form for each class of numbers that the language tells apart (CLDR): {"one": "{n} day", "other": "{n} days"}.
//
// # Decisions
//
// English is the measure: every other language has the same keys with the same placeholders, or it does
// not load, and the error says in which file and line. A page half in one language is worse than
// one in the reader's second.
//
// An operator adds a language with a folder of the same files. What is built in is never
// changed by it: a text that the law asks for must not vanish by a typing mistake.
//
// Texts are not HTML. Whatever stands in them and in their placeholders is escaped when
// it is shown, except a placeholder's value that a template made itself.
//
// Months are words of the page's catalogue, and times keep the order that the
// language's own text gives them. Refused: a library of locales, for seven patterns.
package language

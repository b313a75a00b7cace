package page

import (
	"html/template"
	"text/template/parse"

	"github.com/recourse-dns/recourse/redress/language"
)

// fold writes texts that have nothing to be filled in into the template, {{say "key"}} as what it
// says. Most actions of a page are of that kind, and each would cost a call by reflection.
func fold(page *template.Template, tongue *language.Tongue) {
	for _, one := range page.Templates() {
		if one.Tree != nil {
			foldList(one.Tree.Root, tongue)
		}
	}
}

func foldList(list *parse.ListNode, tongue *language.Tongue) {
	if list == nil {
		return
	}
	for i, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.ActionNode:
			if key, is := said(node.Pipe); is && tongue.Has(key) {
				list.Nodes[i] = &parse.TextNode{NodeType: parse.NodeText, Pos: node.Pos, Text: []byte(template.HTMLEscapeString(tongue.Say(key)))}
			}
		case *parse.IfNode:
			foldList(node.List, tongue)
			foldList(node.ElseList, tongue)
		case *parse.WithNode:
			foldList(node.List, tongue)
			foldList(node.ElseList, tongue)
		case *parse.RangeNode:
			foldList(node.List, tongue)
			foldList(node.ElseList, tongue)
		}
	}
}

// said is the key of an action that is {{say "key"}} and no more.
func said(pipe *parse.PipeNode) (string, bool) {
	if len(pipe.Decl) != 0 || len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 2 {
		return "", false
	}
	called, isName := pipe.Cmds[0].Args[0].(*parse.IdentifierNode)
	key, isText := pipe.Cmds[0].Args[1].(*parse.StringNode)
	if !isName || !isText || called.Ident != "say" {
		return "", false
	}
	return key.Text, true
}

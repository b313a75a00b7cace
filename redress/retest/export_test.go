package retest

import "github.com/recourse-dns/recourse/redress/outbound"

// Judge is judge.
func Judge(reply *outbound.Reply, host string) (title, harm string) { return judge(reply, host) }

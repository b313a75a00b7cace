package cache

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver"
)

// What a dump begins and ends with; doc.go describes it.
const (
	dumpHead = "recourse-cache 1 "
	dumpFoot = "end "
)

// noText stands for an empty field.
const noText = "-"

var standings = map[resolver.Security]string{resolver.Unchecked: "unchecked", resolver.Insecure: "insecure", resolver.Secure: "secure"}

// Dump writes what is kept as text, one answer a line, and tells how many. When the
// context ends it stops early; what it wrote is then whole too, if not complete.
// Failures are not written, nor what cannot be given any more.
func (c *Cache) Dump(ctx context.Context, to io.Writer, now time.Time) (int, error) {
	out := &dump{to: bufio.NewWriterSize(to, 64<<10), sum: sha256.New()}
	out.line(dumpHead + hex.EncodeToString(c.basis()))
	count := 0
	for i := range c.shards {
		for _, kept := range c.shards[i].nodes() {
			if out.err != nil {
				return count, fmt.Errorf("dump the cache: %w", out.err)
			}
			if ctx.Err() != nil {
				break
			}
			if c.lives(kept, now) {
				out.line(describe(kept, now))
				count++
			}
		}
	}
	foot := dumpFoot + strconv.Itoa(count) + " "
	out.line(foot + hex.EncodeToString(out.sum.Sum(nil)))
	if out.err == nil {
		out.err = out.to.Flush()
	}
	if out.err != nil {
		return count, fmt.Errorf("dump the cache: %w", out.err)
	}
	return count, nil
}

// basis is what a dump must agree with to be loaded.
func (c *Cache) basis() []byte {
	sum := sha256.Sum256([]byte(c.config.Basis))
	return sum[:8]
}

// lives says whether an answer can still be given, fresh or stale. A dump has no ranks,
// so only what ranks highest goes into it; nor has it the zones that an answer came by,
// so what policy must judge by them is not in it either.
func (c *Cache) lives(kept *node, now time.Time) bool {
	return kept.failure == nil && kept.rank == asked && kept.answer.Cuts == nil && (kept.fresh(now.UnixNano()) || c.usable(kept, now.UnixNano()))
}

// nodes lists what a shard holds, the oldest first.
func (s *shard) nodes() []*node {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*node
	for n := s.queue.Oldest(); n != nil; n = n.Newer() {
		all = append(all, n)
	}
	return all
}

// dump writes lines and sums them up. The first error stays.
type dump struct {
	to  *bufio.Writer
	sum hash.Hash
	err error
}

func (d *dump) line(text string) {
	if d.err != nil {
		return
	}
	text += "\n"
	d.sum.Write([]byte(text))
	_, d.err = d.to.WriteString(text)
}

// describe is the line of one answer, its fields divided by spaces. Names, codes and
// texts are written so that they hold none.
func describe(kept *node, now time.Time) string {
	answer := &kept.answer
	checking := "cd=0"
	if kept.key.cd {
		checking = "cd=1"
	}
	left := time.Duration(kept.expires - now.UnixNano()).Truncate(time.Second)
	fields := []string{
		kept.key.name.FQDN(),
		strconv.Itoa(int(left / time.Second)),
		"CLASS" + strconv.Itoa(int(kept.key.class)),
		dns.Type(kept.key.qtype).String(),
		dns.RcodeToString[answer.Rcode()],
		checking,
		standings[answer.Security],
		"stored=" + answer.Stored.UTC().Format(time.RFC3339Nano),
		"expires=" + time.Unix(0, kept.expires).UTC().Format(time.RFC3339Nano),
		"ttl=" + strconv.FormatInt(kept.ttl, 10),
		"zone=" + zoneText(answer),
		"ede=" + extendedText(answer.Extended),
		base64.StdEncoding.EncodeToString(answer.Signed.Wire),
	}
	return strings.Join(fields, " ")
}

func zoneText(answer *resolver.Answer) string {
	if answer.Zone == "" {
		return noText
	}
	return answer.Zone.FQDN()
}

func extendedText(extended []resolver.Extended) string {
	if len(extended) == 0 {
		return noText
	}
	var parts []string
	for _, one := range extended {
		parts = append(parts, strconv.Itoa(int(one.Code))+":"+hex.EncodeToString([]byte(one.Text)))
	}
	return strings.Join(parts, ",")
}

package fleet

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// asked is what each question of a waiting node says: who asks, the value that the answer repeats, and how
// long it may take.
type asked struct {
	node  string
	nonce string
	wait  time.Duration
}

func readAsked(r *http.Request) (made asked, query url.Values, err error) {
	query = r.URL.Query()
	made.node, made.nonce = query.Get("node"), query.Get(nonceParameter)
	if !validNode(made.node) || len(made.nonce) < 16 || len(made.nonce) > 64 {
		return made, nil, errors.New("give the node's name and a nonce of 16 to 64 characters")
	}
	if len(query["at"]) > maxEpochs {
		return made, nil, fmt.Errorf("at: give %d positions at the most", maxEpochs)
	}
	seconds, err := strconv.ParseUint(query.Get("wait"), 10, 16)
	if err != nil {
		return made, nil, errors.New("wait: not a number of seconds")
	}
	made.wait = min(time.Duration(seconds)*time.Second, MaxWait)
	return made, query, nil
}

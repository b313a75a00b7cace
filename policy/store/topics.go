package store

import "sync"

// Topic is a word for what changed, for those who wait for it.
type Topic string

// The topics of what lies over a bundle.
const (
	ExceptionsTopic Topic = "exceptions"
	OrdersTopic     Topic = "orders"
	ProfilesTopic   Topic = "profiles"
)

// topics are who waits for which word. A channel is closed once and then replaced.
type topics struct {
	mu    sync.Mutex
	wakes map[Topic]chan struct{}
}

// Tell wakes those who wait for the topic when the transaction has been committed, and
// only then; in every process that has joined the database ([DB.Join]).
func (t *Tx) Tell(topic Topic) { t.told = append(t.told, topic) }

// Changed is closed by the next commit that tells the topic. Who waits asks for it before
// reading what may have changed, so that nothing falls between.
func (db *DB) Changed(topic Topic) <-chan struct{} {
	db.topics.mu.Lock()
	defer db.topics.mu.Unlock()
	wake, waiting := db.topics.wakes[topic]
	if !waiting {
		wake = make(chan struct{})
		if db.topics.wakes == nil {
			db.topics.wakes = map[Topic]chan struct{}{}
		}
		db.topics.wakes[topic] = wake
	}
	return wake
}

func (t *topics) wake(told []Topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, topic := range told {
		if wake, waiting := t.wakes[topic]; waiting {
			close(wake)
			delete(t.wakes, topic)
		}
	}
}

// wakeAll wakes everybody: something may have been told that was not heard.
func (t *topics) wakeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for topic, wake := range t.wakes {
		close(wake)
		delete(t.wakes, topic)
	}
}

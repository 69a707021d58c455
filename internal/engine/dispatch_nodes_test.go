package engine

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

func TestManyNodesContactEachPersonOnce(t *testing.T) {
	desks(t, keyless, func(h *desk) {
		const people = 60
		for i := range people {
			p := h.person(fmt.Sprint("c", i), fmt.Sprintf("138%08d", i))
			h.start(p, "1")
			h.start(p, "2") // the cap allows one of the two
		}
		var wg sync.WaitGroup
		failed := make(chan error, 4)
		for range 4 {
			node := h.dispatcher(h.db)
			wg.Go(func() {
				for {
					n, _, err := node.Turn(context.Background(), "sms", 7)
					if err != nil {
						failed <- err
						return
					}
					if n == 0 {
						return
					}
				}
			})
		}
		wg.Wait()
		close(failed)
		for err := range failed {
			t.Error(err)
		}
		h.turn()
		h.wantSent(people)
	})
}

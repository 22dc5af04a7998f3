package format

import (
	"sync"

	"logctl/internal/lines"
)

// copyParallel is Copy with several workers. This goroutine reads blocks, the workers make objects of their lines, and a writer
// takes what they have made in the order of the blocks. There are a few jobs and no more, so that memory does not depend on who is
// slow; a job is free again when it is written.
//
// A failure to write is told when the read at hand ends.
func (s *Stream) copyParallel(in *lines.Blocks) error {
	const ahead = 2 // jobs for each worker: one at hand, one that waits
	free := make(chan *job, ahead*s.Workers)
	for range cap(free) {
		free <- &job{done: make(chan struct{}, 1)}
	}
	work, order := make(chan *job, cap(free)), make(chan *job, cap(free)) // sending never blocks

	var workers sync.WaitGroup
	for range s.Workers {
		f := s.Formatter.Clone()
		workers.Go(func() {
			for j := range work {
				s.format(f, j)
				j.done <- struct{}{}
			}
		})
	}
	failed := make(chan error, 1)
	var writer sync.WaitGroup
	writer.Go(func() {
		var err error
		for j := range order {
			<-j.done
			if err == nil {
				s.Counts.add(j.counts)
				if err = s.write(j.out); err != nil {
					failed <- err
				}
			}
			free <- j
		}
		close(failed)
	})

	err := s.dispatch(in, free, work, order, failed)
	close(work)
	close(order)
	workers.Wait()
	writer.Wait()
	if writeErr := <-failed; writeErr != nil {
		return writeErr
	}
	return err
}

// dispatch reads blocks until the input's end or a failure to write, which it leaves for others to tell.
func (s *Stream) dispatch(in *lines.Blocks, free <-chan *job, work, order chan<- *job, failed <-chan error) error {
	for {
		j := <-free
		if len(failed) > 0 {
			return nil
		}
		var err error
		if j.in, err = in.Next(j.in); err != nil {
			return endOfInput(err)
		}
		work <- j
		order <- j
	}
}

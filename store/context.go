package store

import "context"

type callerKey struct{}

// WithCaller marks ctx as acting for c. Only code in the same process can do so: the embedded store's API believes it
// instead of looking at a request's credentials.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom is the caller that WithCaller put into ctx, and whether there is one.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

type endingKey struct{}

// WithEnding tells the requests of a server when it begins to shut down: ending is done then, before the requests' own
// contexts are. What would go on for ever, a feed that waits for changes, ends there; everything else may finish.
func WithEnding(ctx, ending context.Context) context.Context {
	return context.WithValue(ctx, endingKey{}, ending)
}

// EndingOf is the context that WithEnding put into ctx; one that is never done if there is none.
func EndingOf(ctx context.Context) context.Context {
	if ending, ok := ctx.Value(endingKey{}).(context.Context); ok {
		return ending
	}
	return context.Background()
}

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

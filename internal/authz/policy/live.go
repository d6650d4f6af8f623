package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Live holds the policy in force and replaces it as a whole when what it is made
// of changes. A policy that does not load replaces nothing: the last good one
// decides on, and the log says so at once and every minute.
//
// An [Engine] that was handed out never changes, so whoever asks it twice about
// one call gets both answers from one policy.
type Live struct {
	load func(context.Context) (*Engine, error)
	log  *zap.Logger

	current atomic.Pointer[Engine]
	arrived chan struct{} // closed with the first engine
	overdue chan struct{} // closed when calls are no longer to wait for it
	loading sync.Mutex    // one load at a time

	counts counts

	mu       sync.Mutex
	changed  map[*func()]bool   // called when another policy is in force
	problems map[string]problem // by what is wrong
	again    time.Duration      // until the log repeats them
}

type problem struct {
	err   error
	since time.Time
}

// NewLive returns a Live without a policy yet; load reads and compiles one from
// scratch. Calls wait for the first for as long as wait says, and are refused
// from then on until it is there; 0 lets them wait as long as they can.
func NewLive(load func(context.Context) (*Engine, error), log *zap.Logger, wait time.Duration) *Live {
	l := &Live{load: load, log: log, arrived: make(chan struct{}), overdue: make(chan struct{}), changed: map[*func()]bool{}, problems: map[string]problem{}, again: time.Minute}
	if wait > 0 {
		time.AfterFunc(wait, func() { close(l.overdue) })
	}
	return l
}

// Engine returns the policy in force, and waits for it only if there was none
// yet. Every error is an ErrPolicy or the end of ctx.
func (l *Live) Engine(ctx context.Context) (*Engine, error) {
	if e := l.current.Load(); e != nil {
		return e, nil
	}
	select {
	case <-l.arrived:
		return l.current.Load(), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-l.overdue:
	}
	if e := l.current.Load(); e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("%w: there is no policy yet, so every call is refused: %w", ErrPolicy, l.trouble())
}

// trouble joins what keeps policy from being renewed.
func (l *Live) trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	problems := []error{}
	for _, part := range slices.Sorted(maps.Keys(l.problems)) {
		problems = append(problems, l.problems[part].err)
	}
	if len(problems) == 0 {
		return errors.New("it is still being loaded")
	}
	return errors.Join(problems...)
}

// Ready reports whether there is a policy.
func (l *Live) Ready() bool { return l.current.Load() != nil }

// First loads the policy to begin with. Its error is for whoever starts the
// proxy, and is not logged.
func (l *Live) First(ctx context.Context) error {
	l.loading.Lock()
	defer l.loading.Unlock()
	engine, err := l.tryLoad(ctx)
	if err == nil {
		l.use(engine)
	}
	return err
}

// Reload loads policy anew and puts it into force, or reports why it could not.
func (l *Live) Reload(ctx context.Context) error {
	l.loading.Lock()
	defer l.loading.Unlock()
	engine, err := l.tryLoad(ctx)
	if l.Report(partPolicy, err); err == nil {
		l.use(engine)
	}
	return err
}

// partPolicy is what Reload reports of.
const partPolicy = "policy"

// use puts engine into force.
func (l *Live) use(engine *Engine) {
	before := l.current.Swap(engine)
	switch {
	case before == nil:
		close(l.arrived)
		l.log.Info("policy is in force", zap.String("revision", engine.Revision()))
	case before.Revision() == engine.Revision():
		return // and it was warned of before
	default:
		l.log.Warn("another policy is in force", zap.String("revision", engine.Revision()), zap.String("before", before.Revision()))
		l.tell()
	}
	for _, warning := range engine.Warnings() {
		l.log.Warn(warning)
	}
}

// OnChange calls f, which must not block, whenever another policy is in force,
// until stop is called.
func (l *Live) OnChange(f func()) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed[&f] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.changed, &f)
	}
}

func (l *Live) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := range l.changed {
		(*f)()
	}
}

// tryLoad: a panic over policy that somebody wrote must not end the proxy.
func (l *Live) tryLoad(ctx context.Context) (engine *Engine, err error) {
	defer func() {
		if p := recover(); p != nil {
			engine, err = nil, fmt.Errorf("%w: load policy: panic: %v", ErrPolicy, p)
		}
		l.counts.add(err)
	}()
	if engine, err = l.load(ctx); err == nil && engine == nil {
		err = fmt.Errorf("%w: load policy: nothing was loaded", ErrPolicy)
	}
	return engine, err
}

// Report says what is wrong with a part of policy, or with nil that it is well.
// What is new is logged at once.
func (l *Live) Report(part string, err error) {
	if err != nil && part != partPolicy { // which was counted when it was loaded
		l.counts.add(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old, wasWrong := l.problems[part]
	switch {
	case err == nil && wasWrong:
		delete(l.problems, part)
		l.log.Warn(part+" is well again", zap.Stringer("after", time.Since(old.since).Round(time.Second)))
	case err != nil && !wasWrong:
		l.problems[part] = problem{err, time.Now()}
		l.log.Error(l.sentence(part, err))
	case err != nil && old.err.Error() != err.Error():
		l.problems[part] = problem{err, old.since}
		l.log.Error(l.sentence(part, err))
	}
}

// sentence says who decides meanwhile.
func (l *Live) sentence(part string, err error) string {
	if e := l.current.Load(); e != nil {
		return fmt.Sprintf("%s cannot be renewed, so the last good policy decides on (revision %s): %v", part, e.Revision(), err)
	}
	return fmt.Sprintf("%s cannot be loaded, so every call is refused: %v", part, err)
}

// Run reloads on every change until ctx ends, and repeats what is wrong.
func (l *Live) Run(ctx context.Context, changes <-chan struct{}) {
	remind := time.NewTicker(l.again)
	defer remind.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changes:
			// What is wrong was reported, and a Live that keeps the last good policy has no more to do.
			_ = l.Reload(ctx)
		case <-remind.C:
			l.remind()
		}
	}
}

func (l *Live) remind() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, part := range slices.Sorted(maps.Keys(l.problems)) {
		p := l.problems[part]
		l.log.Error(l.sentence(part, p.err), zap.Time("since", p.since))
	}
}

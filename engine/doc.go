// Package engine carries out plans: steps on many hosts at once, each host in
// order, with an append-only log of events that any number of faces read at
// their own pace, a journal that survives kill -9, and live output in a ring.
//
// It knows neither Rocket.Chat nor SSH. The host is the truth: the engine
// asks every step to look again and never skips one because of what the
// journal says. Nothing that a face does, or fails to do, stalls a step.
package engine

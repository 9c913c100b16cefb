// Package engine carries out plans: steps on many hosts at once, each host in
// order, with an append-only log of events that any number of faces read at
// their own pace, a journal that survives kill -9, and live output in rings of
// bounded size.
//
// # What it promises
//
// The host is the truth. Every step is asked to look (Check) before it changes
// anything and again after it did (Apply), and the last look is believed: the
// engine never skips a step because of what the journal says. A journal record
// is on the disk before a step begins and after it ended, so that after any
// crash it can be told what was cut.
//
// Steps of one host run one after the other, in the order of the plan. A step
// that fails ends its host's part of the run and whatever needs it; the other
// hosts go on, and while they do it can be begun again (Options.Retry). A run
// can be stopped twice over: after the steps in flight (Options.Stop), or at
// once (the context). It ends by itself in every case, provided that steps
// honour their context.
//
// Nothing that a face does, or fails to do, stalls a step: events are appended
// to memory, and live output goes to rings that forget their oldest lines.
//
// # What it will not do
//
// It knows neither Rocket.Chat nor SSH, takes no lock itself, retries nothing
// by itself and asks nobody anything while a plan runs.
package engine

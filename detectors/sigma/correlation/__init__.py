"""Correlation: the windows in which a correlation's condition holds.

In:   points in time of one group: occurrences, or the firings of a correlation below
Out:  windows (`windows.held`, `levels.held`)
May import: `detectors.sigma.rule`

`boolean` reads conditions of words, `measures` and `sequences` tell what a window holds, `spans` how long a correlation
must wait and remember, `windows` slides, `levels` puts correlations of correlations together. The door is
`detectors.sigma.correlate`.
"""

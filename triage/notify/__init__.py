"""notify: the alerts that cannot wait for somebody to look.

In:   the topic `soc.alerts`
Out:  one message an alert by each channel, by webhook and by e-mail
May import `triage`, `detectors.alert`, `hamrong.config`.
"""

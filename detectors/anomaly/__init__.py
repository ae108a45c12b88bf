"""anomaly: what an address or an account usually does in an hour, and which hours are unlike that.

In:   events; rows of `features.features`
Out:  a model, scores, and the features that carried a score
May import `ingest.event`, `hamrong.errors`.
"""

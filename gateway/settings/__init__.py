"""The settings: what each is (model), where it came from (sources, resolution), what holds now (live).

Nothing here touches the database or the network; others carry out what `Resolution` and `RowPlan` say.
"""

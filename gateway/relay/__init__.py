"""One client call: leased, sent, relayed, recorded.

Stands on pool, protocols, streaming and upstream; knows neither the HTTP front nor the database.
"""

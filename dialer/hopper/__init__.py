"""Redis (or Valkey): the next contacts by rank, leases, the numbers' counts, and the meeting
place of processes. The only room that imports redis. It may vanish at any moment: then nothing
is claimed until everything has been rebuilt from the ledger.
"""

"""What the clients and the site both know: the tenants, the accounts, and the entries that are in the list before."""

TENANTS = 3
PASSWORD = "correct horse"
# So that a check finds a list that isn't empty.
STORED = [f"stored-{number}" for number in range(1000)]


def issuer(tenant: int) -> str:
    return f"https://{tenant}.soak.example"


def key_id(tenant: int) -> str:
    return f"key-{tenant}"


def username(number: int) -> str:
    return f"account-{number}"


# The streams of `ReplicatedRevocation` and of `PlainFollower`.
STREAMS = ["boltguard:revocations:stream", "plain:stream"]

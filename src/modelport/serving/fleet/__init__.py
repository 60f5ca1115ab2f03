"""A replica as a member of a fleet: it follows a control plane, fetches bundles, and tells how it fares.

Nothing here is needed to answer a request: while the control plane is away the replica goes on as it is.
"""

"""Every setting of the data plane, its default and its unit; `checks` says which values make sense.

Documented in docs/reference/settings.md.
"""

from __future__ import annotations

import msgspec

from modelport.core.plan import CPU

MIB = 1024 * 1024
GIB = 1024 * MIB


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much of anything a caller may send, and how slowly.

    Attributes:
        json_bytes: largest JSON body, after decompression.
        body_bytes: largest body with binary tensors, after decompression.
        header_bytes: request line and headers together.
        headers: number of header lines.
        chunks: number of chunks of a chunked body.
        depth: nesting of JSON.
        rows: rows in one request.
        header_seconds: from the first byte of a request to the end of its headers.
        body_seconds: grace for a body before the minimum rate applies.
        body_rate: fewest bytes per second of a body, averaged from its beginning, after the grace.
        handshake_seconds: from an accepted connection to the end of its TLS handshake.
        handshakes: connections per worker that may be in their TLS handshake at a time.
        idle_seconds: a keep-alive connection without a request.
        write_seconds: a peer that does not read its answer.
        connections: open connections per worker; over it, 503.
    """

    json_bytes: int = 4 * MIB
    body_bytes: int = 64 * MIB
    header_bytes: int = 32 * 1024
    headers: int = 100
    chunks: int = 65_536
    depth: int = 64
    rows: int = 65_536
    header_seconds: float = 10.0
    body_seconds: float = 10.0
    body_rate: int = 1024
    handshake_seconds: float = 10.0
    handshakes: int = 1000
    idle_seconds: float = 75.0
    write_seconds: float = 30.0
    connections: int = 20_000


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One replica.

    Attributes:
        bundles: paths of bundles to serve, each as its own model; the plan is made on the spot.
        split: shares of versions, `{"churn": {1: 90, 2: 10}}` in percent; bundles of one name become
            versions 1, 2, ... in the order given.
        shadow: shares of requests repeated at another version after the answer, in percent, as
            `{"churn": {2: 10}}`.
        plan: path of a plan document to serve and watch instead of `bundles`.
        control: URL of a control plane whose fleet this replica joins, instead of `bundles` or `plan`.
        control_key: path of the file that holds the replica's key for it (scope `replica`).
        control_ca: path of the authorities that its certificate must come from; None takes the system's.
        control_access: enforce the keys of the fleet, unless `keys` names a file; without, everyone on this
            machine is answered.
        fleet, replica: which fleet, and the name of this replica there, which it keeps over restarts; empty
            takes the name of the machine.
        plan_url: document in an artifact store with the fleet's plan, for a start while the control plane is
            away.
        state: folder for the last good plan and keys, and for fetched bundles.
        bundle_bytes: most bytes of fetched bundles that no plan names.
        host, port: where to listen; anything but loopback needs keys.
        workers: processes that answer; 0 means one per core.
        keys: path of a key file (`modelport keys create --file`), watched.
        tls_cert, tls_key: paths of the server's certificate chain and its private key, both in PEM form and
            watched; without them the port speaks plain HTTP.
        tls_client_ca: path of the authorities that a client's certificate must come from; None asks for none.
        allow_hosts: Host names answered besides loopback names and IP addresses; `*` answers all.
        queue_rows: most rows waiting per slot and worker; over it, 503.
        queue_target: seconds that calls should wait at most where a queue stands; over it, 503.
        timeout: seconds until a request without its own deadline is answered 504.
        batch_tokens: most tokens in one batch, with their padding, of models that read tokens.
        inline_seconds: a batch predicted to cost less runs on the event loop, else in a thread.
        threads: threads that run batches, per worker; also ONNX Runtime's intra-op threads are `intra_op`.
        intra_op: threads inside one ONNX Runtime session.
        scale: fewest and most instances of models, or of versions as `churn:2`, in one worker, or
            of a hosted model over all workers; between them they follow the load.
        takeover: path of a Unix socket. A replica that listens there hands its port over to this one, and
            this one to the next; None does neither.
        max_requests: a worker that has read so many is replaced by a fresh one; 0 sets no limit.
        max_requests_jitter: up to so many more, at random, so that workers do not go together.
        max_worker_memory: resident bytes of a worker, over which it is replaced; short of that it gives up
            less important work; 0 sets no limit.
        drain_seconds: hard limit of a graceful stop.
        drain_delay: seconds to go on accepting after readiness turned false.
        telemetry: counters and join records on or off.
        spool: folder of the event spool; None keeps no event on disk.
        spool_bytes: most bytes that all workers together keep there; over it, the oldest file goes.
        payload_share: share of requests whose payload is kept, 0 to 1.
        redact: column names whose values never reach the spool.
        memory: bytes for loaded models, shared equally by the workers; 0 sets no limit. With a limit, models
            are loaded when they are asked, and those used least recently go when others need their memory.
        pin: models, or versions as `churn:2`, that are loaded at the start and never let go.
        preload: load what fits into `memory` at the start, in the order given, before it is asked.
        unload_idle: a model that is not pinned and was not asked for so long is let go; 0 keeps it.
        cache: bytes for answers that may be given again, shared equally by the workers; 0 remembers none.
        cache_ttl: seconds an answer may be given again; 0 sets no limit.
        tuning: take size of batches and instances as `modelport tune` wrote them into a bundle, where this
            machine has as many cores as it was measured on.
        allow_python: serve bundles that hold executable code.
        device: where models of `bundles` run: `cpu`, `cuda:0` or `tensorrt:0`.
        host_memory: resident bytes of one model host; over it, it is ended. 0 is 80 % of the machine's.
        host_call_seconds: longest time of one batch in a model host; over it, the host is ended.
        host_start_seconds: longest time until a model host is ready.
        host_calls: a model host is replaced after so many calls; 0 keeps it.
        log_level: debug, info, warning or error.
        log_file: file that the log goes to instead of standard error.
        log_bytes: its size at which it is put aside as `NAME.1`, and begun anew.
        log_kept: how many of those are kept.
        access_log: one log line per request.
        limits: see `Limits`.
    """

    bundles: tuple[str, ...] = ()
    split: dict[str, dict[int, int]] = {}
    shadow: dict[str, dict[int, int]] = {}
    plan: str | None = None
    control: str | None = None
    control_key: str | None = None
    control_ca: str | None = None
    control_access: bool = True
    fleet: str = "local"
    replica: str = ""
    plan_url: str | None = None
    state: str = ".modelport/replica"
    bundle_bytes: int = 20 * GIB
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    keys: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_client_ca: str | None = None
    allow_hosts: tuple[str, ...] = ()
    queue_rows: int = 4096
    queue_target: float = 1.0
    timeout: float = 30.0
    batch_tokens: int = 16_384
    inline_seconds: float = 200e-6
    threads: int = 2
    intra_op: int = 1
    scale: dict[str, tuple[int, int]] = {}
    takeover: str | None = None
    max_requests: int = 0
    max_requests_jitter: int = 0
    max_worker_memory: int = 0
    drain_seconds: float = 30.0
    drain_delay: float = 0.0
    telemetry: bool = True
    spool: str | None = None
    spool_bytes: int = 1024 * MIB
    payload_share: float = 0.01
    redact: tuple[str, ...] = ()
    memory: int = 0
    pin: tuple[str, ...] = ()
    preload: bool = True
    unload_idle: float = 0.0
    cache: int = 0
    cache_ttl: float = 0.0
    tuning: bool = True
    allow_python: bool = False
    device: str = CPU
    host_memory: int = 0
    host_call_seconds: float = 60.0
    host_start_seconds: float = 120.0
    host_calls: int = 0
    log_level: str = "info"
    log_file: str | None = None
    log_bytes: int = 16 * MIB
    log_kept: int = 4
    access_log: bool = False
    limits: Limits = msgspec.field(default_factory=Limits)

    @property
    def fleet_keys(self) -> bool:
        """Whether callers need the keys of the fleet."""
        return self.control is not None and self.keys is None and self.control_access

    @property
    def guarded(self) -> bool:
        """Whether callers need keys."""
        return self.keys is not None or self.fleet_keys

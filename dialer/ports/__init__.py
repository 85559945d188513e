"""What the engine asks of the world, as protocols; each room implements its own.

    Switch    -> esl.switch        (simulated: the same room against sim.event_socket)
    Hopper    -> hopper.queue      Presence -> hopper.presence
    Ledger    -> ledger.store      PastCalls -> ledger.history    Meter -> metrics.meter
    Recordings -> recordings.folder  Diary  -> diary.files        Clock -> app
    Journal   -> journal.files

Errors: Switch raises LinkDown and CommandRefused; Hopper, Presence and Ledger raise StoreError.
Every call has a deadline of its own; none may be wrapped in a gevent.Timeout from outside.
"""

from __future__ import annotations

from dialer.ports.clock import Clock
from dialer.ports.diary import Decided, Diary
from dialer.ports.hopper import ClaimAnswer, ClaimRequest, Hopper, Shown
from dialer.ports.imports import (
    ImportedConsent,
    ImportedPhone,
    ImportReport,
    ImportRow,
    RejectedRow,
)
from dialer.ports.journal import Journal, Mark, Replayed, Word
from dialer.ports.ledger import (
    Due,
    HotLead,
    Ledger,
    OperatorChange,
    SliceAnswer,
    SliceRequest,
    Supervised,
    WindowCounts,
)
from dialer.ports.meter import Meter
from dialer.ports.past import (
    PastAnswer,
    PastCalls,
    PastEnding,
    PastHour,
    PastPresence,
    QueuePart,
)
from dialer.ports.presence import Command, Presence
from dialer.ports.recordings import (
    FolderState,
    FoundRecording,
    ListedRecording,
    RecordedFile,
    Recording,
    Recordings,
    Sealer,
    StaleRecording,
)
from dialer.ports.retention import Held, RetentionState, RetentionStep
from dialer.ports.stops import OpenCall, OptOut, StopImport, Stopped, StopRow, Wish
from dialer.ports.switch import (
    CallerStop,
    CustomerCall,
    FoundLeg,
    OperatorCall,
    SupervisorCall,
    Switch,
    SwitchEvent,
)

__all__ = [
    "CallerStop",
    "ClaimAnswer",
    "ClaimRequest",
    "Clock",
    "Command",
    "CustomerCall",
    "Decided",
    "Diary",
    "Due",
    "FolderState",
    "FoundLeg",
    "FoundRecording",
    "Held",
    "Hopper",
    "HotLead",
    "ImportReport",
    "ImportRow",
    "ImportedConsent",
    "ImportedPhone",
    "Journal",
    "Ledger",
    "ListedRecording",
    "Mark",
    "Meter",
    "OpenCall",
    "OperatorCall",
    "OperatorChange",
    "OptOut",
    "PastAnswer",
    "PastCalls",
    "PastEnding",
    "PastHour",
    "PastPresence",
    "Presence",
    "QueuePart",
    "RecordedFile",
    "Recording",
    "Recordings",
    "RejectedRow",
    "Replayed",
    "RetentionState",
    "RetentionStep",
    "Sealer",
    "Shown",
    "SliceAnswer",
    "SliceRequest",
    "StaleRecording",
    "StopImport",
    "StopRow",
    "Stopped",
    "Supervised",
    "SupervisorCall",
    "Switch",
    "SwitchEvent",
    "WindowCounts",
    "Wish",
    "Word",
]

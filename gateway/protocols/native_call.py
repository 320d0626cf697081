"""A native generation's body as it is sent, by the wishes of its model's name and of the operator.

A body that needs nothing stays the bytes it came in. Called by the native planner; pure.
"""

from dataclasses import dataclass, field

from gateway.protocols.call_defaults import NO_DEFAULTS, CallDefaults, with_defaults, with_wishes
from gateway.protocols.model_names import model_traits
from gateway.protocols.model_suffixes import NO_CHOICES, AskedModel, ModelChoices
from gateway.protocols.shapes import JsonObject
from gateway.values import value


@dataclass(frozen=True, slots=True)
class NativeOptions:
    """The operator's choices for native calls, built once per settings snapshot."""

    models: ModelChoices = NO_CHOICES
    defaults: CallDefaults = NO_DEFAULTS
    _adds_nothing: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_adds_nothing", self.defaults.leaves_open)

    def leave(self, asked: AskedModel) -> bool:
        """True where every body for a model so asked is sent as it came."""
        return self._adds_nothing and asked.plain


@value(frozen=True, slots=True)
class NativeBodies:
    """What to send: each None where it is the client's body as it came.

    full   with what the operator's settings add
    bare   without that: to be tried where the upstream refuses it
    """

    full: JsonObject | None
    bare: JsonObject | None

    @property
    def differ(self) -> bool:
        return self.full is not self.bare


def native_bodies(body: JsonObject, asked: AskedModel, *, options: NativeOptions) -> NativeBodies:
    """What a generateContent call sends for its parsed body."""
    traits = model_traits(asked.name)
    bare = with_wishes(body, asked, traits=traits)
    full = with_defaults(bare, asked, traits=traits, defaults=options.defaults)
    return NativeBodies(None if full is body else full, None if bare is body else bare)

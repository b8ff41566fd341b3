"""What parameters are called in a sentence: "the weights", "the bias", "the weights and the bias"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from bpsym.calculus.equations import Tensor
from bpsym.derivation.forms import Remark
from bpsym.derivation.setting import Setting
from bpsym.network import roles

_ONE = {roles.WEIGHTS: "the_weight", roles.BIASES: "the_bias"}
_MANY = {roles.WEIGHTS: "the_weights", roles.BIASES: "the_biases"}


def count(setting: Setting, tensors: Iterable[Tensor]) -> int:
    """How many numbers they have in all."""
    return sum(prod(setting.shape(tensor)) for tensor in tensors)


def called(setting: Setting, tensors: Sequence[Tensor]) -> Remark:
    """The weights and the biases among them, each in the singular where there is one."""
    numbers = {kind: count(setting, (one for one in tensors if one.role.kind == kind)) for kind in _MANY}
    words = [Remark((_ONE if number == 1 else _MANY)[kind]) for kind, number in numbers.items() if number]
    return words[0] if len(words) == 1 else Remark("both", {"first": words[0], "second": words[1]})


def called_trained(setting: Setting) -> Remark:
    """What a step changes, and that it is not frozen where some of its kind is."""
    trained = setting.trained()
    words = called(setting, trained)
    of_its_kind = [one for one in setting.parameters() if one.role.kind in setting.trained_kinds]
    if len(of_its_kind) == len(trained):
        return words
    return Remark("not_frozen" + one_or_many(setting, trained), {"parameters": words})


def one_or_many(setting: Setting, tensors: Iterable[Tensor]) -> str:
    """What the key of a sentence ends with: "_one" where it is of one number."""
    return "_one" if count(setting, tensors) == 1 else ""


__all__ = ["called", "called_trained", "count", "one_or_many"]

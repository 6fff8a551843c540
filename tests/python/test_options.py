"""Options structs as Python values."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import vgen
from vgen import pipelines, samplers, schedulers, train, unet


def every_options_class():
    for module in (
        vgen.schedulers,
        vgen.diffusion,
        vgen.samplers,
        vgen.unet,
        vgen.vae,
        vgen.conditioning,
        vgen.pipelines,
        vgen.train,
        vgen.data,
    ):
        for value in vars(module).values():
            if isinstance(value, type) and hasattr(value, "kind") and hasattr(value, "to_dict"):
                yield value


@pytest.mark.parametrize("cls", sorted(set(every_options_class()), key=lambda c: c.__name__), ids=lambda c: c.__name__)
def test_every_class_is_a_value(cls):
    a, b = cls(), cls()
    assert a == b and hash(a) == hash(b) and a != 1
    assert copy.copy(a) == a and copy.deepcopy(a) == a and pickle.loads(pickle.dumps(a)) == a
    assert cls.from_dict(a.to_dict()) == a
    assert repr(a).startswith(cls.__name__ + "(")
    assert cls.__doc__
    fields = list(inspect.signature(cls).parameters)
    for name in fields:
        assert name in cls.__doc__
        assert cls(**{name: getattr(a, name)}) == a
        with pytest.raises(AttributeError, match="replace"):
            setattr(a, name, None)


def test_defaults_are_those_of_the_headers():
    o = samplers.DdimOptions()
    assert (o.steps, o.eta, o.spacing, o.offset, o.end_clean) == (50, 0.0, "vgen", 1, False)
    assert samplers.DdimOptions.kind == "ddim"
    assert repr(samplers.DdimOptions(steps=30)) == "DdimOptions(steps=30, eta=0.0, spacing='vgen', offset=1, end_clean=False)"
    assert inspect.signature(samplers.DdimOptions).parameters["steps"].default == 50
    assert "0 = deterministic, 1 = as much fresh noise as DDPM" in samplers.DdimOptions.__doc__
    assert samplers.DdimOptions.eta.__doc__ == "0 = deterministic, 1 = as much fresh noise as DDPM"


def test_an_unknown_field_names_the_nearest():
    with pytest.raises(vgen.ConfigError, match=r"unknown key 'stpes' in ddim; did you mean 'steps'\?"):
        samplers.DdimOptions(stpes=3)
    with pytest.raises(AttributeError, match="did you mean 'steps'"):
        samplers.DdimOptions().stpes = 3
    with pytest.raises(TypeError, match="by name"):
        samplers.DdimOptions(50)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"steps": "many"}, "steps: expected an integer"),
        ({"steps": 1.5}, "steps: expected an integer"),
        ({"steps": True}, "steps: expected an integer"),
        ({"steps": 2**40}, "out of range"),
        ({"steps": 2**80}, "64 bits"),
        ({"eta": float("nan")}, "eta: expected a finite number"),
        ({"spacing": "trailling"}, "did you mean 'trailing'"),
        ({"end_clean": 1}, "expected true or false"),
        ({"steps": None}, "steps: expected an integer, got"),
    ],
)
def test_wrong_values_say_where_and_why(fields, message):
    with pytest.raises(vgen.ConfigError, match=message) as caught:
        samplers.DdimOptions(**fields)
    assert isinstance(caught.value, ValueError) and caught.value.exit_code == 3


def test_numpy_numbers_are_numbers():
    assert samplers.DdimOptions(steps=np.int64(3), eta=np.float32(0.5)).eta == 0.5


def test_nested_options_and_variants():
    o = samplers.EulerOptions(grid=schedulers.GridOptions(sigmas="karras"))
    assert o.grid.sigmas == "karras"
    assert samplers.EulerOptions(grid={"sigmas": "karras"}) == o
    assert o.replace(grid={"offset": 1}).grid == schedulers.GridOptions(sigmas="karras", offset=1)
    with pytest.raises(vgen.ConfigError, match=r"grid\.sigmas: unknown name 'karas'; did you mean 'karras'"):
        samplers.EulerOptions(grid={"sigmas": "karas"})
    request = pipelines.Request(prompt="x", sampler=samplers.LcmOptions(steps=4))
    assert request.sampler == samplers.LcmOptions(steps=4) and request.steps is None
    assert pipelines.Request(sampler={"type": "lcm", "steps": 4}).sampler == samplers.LcmOptions(steps=4)
    assert pipelines.Request(sampler="heun").sampler == samplers.HeunOptions()
    with pytest.raises(vgen.ConfigError, match="did you mean 'unipc'"):
        pipelines.Request(sampler="unipcc")
    levels = unet.UNetOptions(levels=[{"multiplier": 1}, unet.Level(multiplier=2, attention=False)]).levels
    assert [(each.multiplier, each.attention) for each in levels] == [(1, True), (2, False)]
    config = train.TrainConfig(task={"type": "autoencoder", "batch": 4}, trainer={"steps": 7})
    assert config.task.batch == 4 and config.trainer.steps == 7


def test_a_default_that_is_kept_is_not_changed_by_its_user():
    index = pipelines.ModelIndex()
    index.defaults.sampler  # noqa: B018
    assert index.replace(defaults={"frames": 8}).defaults.frames == 8 and index.defaults.frames == 16

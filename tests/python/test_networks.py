"""Modules: UNet, autoencoder, CLIP, the primitives."""

import math

import pytest
import torch
from tiny_model import TEXT, UNET, VAE

import vgen
from vgen import conditioning, diffusion, nn, samplers, schedulers, unet, vae


def randn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def net():
    net = unet.UNet(UNET)
    nn.initialise(net, 2)
    return net


def test_the_unet_looks_like_a_module(net):
    named = dict(net.named_parameters())
    assert net.parameter_count() == sum(p.numel() for p in net.parameters()) == sum(p.numel() for p in named.values())
    assert repr(net) == f"UNet({net.parameter_count()} parameters)" and net.options == UNET and net.declared == ["text"]
    assert not net.training
    net.train()
    assert net.training
    net.eval()
    state = {name: value.clone() for name, value in net.state_dict().items()}
    other = unet.UNet(UNET)
    nn.initialise(other, 3)
    x, t, text = randn(1, 4, 3, 8, 8), torch.tensor([500]), randn(1, 5, 32, seed=1)
    assert not torch.equal(net(x, t, {"text": text}), other(x, t, {"text": text}))
    other.load_state_dict(state)
    assert torch.equal(net(x, t, {"text": text}), other.forward(x, t, {"text": text}))
    with pytest.raises(vgen.WeightsError, match="missing"):
        other.load_state_dict({name: value for name, value in list(state.items())[1:]})
    assert torch.equal(net(x, t, {"text": text}), other(x, t, {"text": text})), "nothing was loaded"


def test_names_of_the_released_layouts(net):
    ours = [name for name, _ in net.named_parameters()]
    for pairs in (unet.reference_keys(net), unet.diffusers_keys(net)) if not UNET.stem else ():
        assert sorted(a for a, _ in pairs) == sorted(ours) and len({b for _, b in pairs}) == len(ours)
    plain = unet.UNet(UNET.replace(stem=[]))
    for pairs in (unet.reference_keys(plain), unet.diffusers_keys(plain)):
        assert sorted(a for a, _ in pairs) == sorted(name for name, _ in plain.named_parameters())
        assert len({b for _, b in pairs}) == len(pairs)
    assert any(theirs == "time_embed.0.weight" for _, theirs in unet.reference_keys(plain))


def test_the_unet_learns_in_python(net):
    net.requires_grad_(True)
    net.train()
    torch.manual_seed(1)  # of its dropout
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    x0, text = randn(2, 4, 3, 8, 8), randn(2, 5, 32, seed=1)
    schedule, losses = schedulers.make_schedule(), []
    t, eps = torch.tensor([300, 700]), randn(2, 4, 3, 8, 8, seed=2)
    for _ in range(10):
        x = diffusion.add_noise(schedule, x0, eps, t)
        loss = diffusion.training_loss(schedule, net(x, t, {"text": text}), x0, eps, x, t).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_conditions_are_checked(net):
    x, t = randn(1, 4, 2, 8, 8), torch.tensor([1])
    with pytest.raises(vgen.ConfigError, match="txt"):
        net(x, t, {"txt": randn(1, 5, 32)})
    with pytest.raises(vgen.ShapeError):
        net(x, t, {"text": randn(1, 5, 31)})
    with pytest.raises(vgen.ShapeError):
        net(x[:, :3], t, {"text": randn(1, 5, 32)})
    with pytest.raises(vgen.ConfigError):
        unet.UNet(channels=33)


def test_parts_make_a_sampler_run(net):
    text = randn(1, 5, 32, seed=1)
    model = diffusion.guided(
        net.bind({"text": text}), net.bind({"text": torch.zeros_like(text)}), diffusion.GuidanceOptions(scale=3)
    )
    assert isinstance(model, diffusion.Model)
    schedule = schedulers.make_schedule(schedule="cosine", zero_terminal_snr=True)
    with torch.no_grad():
        z = samplers.ddim(diffusion.denoiser(model, schedule), schedule, randn(1, 4, 3, 8, 8), samplers.DdimOptions(steps=3))
    assert z.shape == (1, 4, 3, 8, 8) and torch.isfinite(z).all()


def test_the_autoencoder():
    model = vae.AutoencoderKl(VAE)
    nn.initialise(model, 3)
    pictures = randn(2, 3, 32, 48).clamp(-1, 1)
    posterior = model.encode(pictures)
    assert posterior.mean.shape == (2, 4, 4, 6) and model.decode(posterior.mode()).shape == pictures.shape
    noise = torch.Generator().manual_seed(5)
    z = posterior.sample(noise)
    assert torch.allclose(z, posterior.mean + torch.exp(0.5 * posterior.logvar) * randn(2, 4, 4, 6, seed=5), atol=1e-6)
    assert posterior.kl().shape == (2,) and posterior.nll(z).shape == (2,)
    video = randn(1, 3, 5, 32, 48).clamp(-1, 1)
    latents = model.encode_frames(video, 7, at_once=2)
    assert latents.shape == (1, 4, 5, 4, 6)
    assert torch.allclose(model.decode_frames(latents, 1), model.decode_frames(latents, 5), atol=1e-5)
    assert vae.AutoencoderKl().parameter_count() == 83_653_863


def test_the_text_tower():
    tower = conditioning.ClipText(TEXT)
    tower.initialise(1)
    encoder = conditioning.ClipTextEncoder(tower)
    ids = torch.from_numpy(vgen.text.Tokenizer.clip().tokenize(["a green frog"], 16).ids)
    out = tower(ids)
    assert out.words.shape == (1, 16, 32) and out.pooled.shape == (1, 32)
    made = encoder.encode(["a green frog", "x " * 40])
    assert (
        torch.allclose(made.words[:1], out.words, atol=1e-5) and made.dropped_words[0] == [] and len(made.dropped_words[1]) > 20
    )
    del tower
    assert torch.equal(encoder.encode(["a green frog"]).words[:1], made.words[:1]) or torch.allclose(
        encoder.encode(["a green frog"]).words, made.words[:1], atol=1e-5
    )
    with pytest.raises(vgen.ConfigError):
        conditioning.ClipText(width=30, heads=4)


def test_the_image_tower():
    tower = conditioning.ClipVision(image_size=32, patch=8, width=32, heads=2, layers=1, mlp=64, embed=16)
    nn.initialise(tower, 4)
    picture = conditioning.clip_normalise(torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert tower(picture).shape == (2, 16)
    with pytest.raises(vgen.ShapeError):
        tower(picture[:, :, :16])


def test_primitives_against_torch():
    x, w, b = randn(2, 5, 6, 16), randn(16, seed=1), randn(16, seed=2)
    want = torch.nn.functional.silu(torch.nn.functional.group_norm(x.permute(0, 3, 1, 2), 4, w, b)).permute(0, 2, 3, 1)
    assert torch.allclose(nn.group_norm(x, w, b, 4, silu=True), want, atol=1e-5)
    assert torch.allclose(nn.layer_norm(x, w, b), torch.nn.functional.layer_norm(x, (16,), w, b), atol=1e-5)
    k = randn(8, 16, 3, 3, seed=3)
    want = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), k, b[:8], padding=1).permute(0, 2, 3, 1)
    assert torch.allclose(nn.conv2d(x, k, b[:8], pad_h=1, pad_w=1), want, atol=1e-4)
    assert torch.allclose(nn.conv2d(x, k, residual=want[:, 1:-1, 1:-1]), nn.conv2d(x, k) + want[:, 1:-1, 1:-1], atol=1e-4)
    m, r = randn(32, 16, seed=7), randn(2, 5, 6, 32, seed=8)
    want = torch.nn.functional.linear(x, m)
    assert torch.allclose(nn.linear(x, m), want, atol=1e-5)
    assert torch.allclose(nn.linear(x, m, residual=r), want + r, atol=1e-5)
    assert torch.allclose(nn.linear_geglu(x, m), nn.geglu(want), atol=1e-5)
    q, key, v = (randn(2, 7, 16, seed=s) for s in (4, 5, 6))
    heads = [each.view(2, 7, 2, 8).transpose(1, 2) for each in (q, key, v)]
    want = torch.nn.functional.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(2, 7, 16)
    assert torch.allclose(nn.attend(q, key, v, 2), want, atol=1e-5)
    a, g = x.chunk(2, -1)
    assert torch.allclose(nn.geglu(x), a * 0.5 * g * (1 + torch.erf(g / math.sqrt(2))), atol=1e-5)
    assert torch.equal(nn.upsample2x(x), x.repeat_interleave(2, 1).repeat_interleave(2, 2))

"""The forms of the mixing operator agree to the last digits, and the cheaper one is chosen."""

import pytest
import torch
from torch.nn.functional import conv2d

from cifar_core.models import operators
from cifar_core.models.operators import FORMS, choose_form, mix

EXACT = {"rtol": 0.0, "atol": 1e-12}
SHAPES = {  # images, kernels, channels in, channels out, height, width, kernel size, stride, padding
    "usual": (4, 3, 5, 6, 8, 8, 3, 1, 1),
    "one image": (1, 3, 5, 6, 8, 8, 3, 1, 1),
    "one kernel": (3, 1, 4, 4, 6, 6, 3, 1, 1),
    "two kernels, stride 2": (3, 2, 4, 8, 9, 9, 3, 2, 1),
    "four kernels, no padding": (2, 4, 3, 5, 7, 6, 3, 1, 0),
    "1x1": (3, 3, 4, 7, 5, 5, 1, 1, 0),
    "5x5, stride 2, padding 2": (2, 3, 3, 4, 10, 7, 5, 2, 2),
    "one channel, one position": (3, 2, 1, 1, 3, 3, 3, 1, 0),
}


@pytest.fixture(params=SHAPES.values(), ids=SHAPES.keys())
def case(request):
    """Tensors in double precision with gradients, then stride and padding."""
    n, k, c_in, c_out, height, width, size, stride, padding = request.param
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()

    return (
        draw(n, c_in, height, width),
        draw(k, c_out, c_in, size, size),
        draw(k, c_out),
        draw(n, k),
        stride,
        padding,
    )


def one_by_one(x, weight, bias, coefficients, stride, padding):
    """Image by image and kernel by kernel, straight from the definition."""
    images = []
    for image, shares in zip(x, coefficients, strict=True):
        responses = [conv2d(image[None], w, None, stride, padding) for w in weight]
        terms = [
            share * (response + offset[None, :, None, None])
            for share, response, offset in zip(shares, responses, bias, strict=True)
        ]
        images.append(torch.stack(terms).sum(dim=0))
    return torch.cat(images)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_agrees_with_the_definition(case, form):
    torch.testing.assert_close(FORMS[form](*case), one_by_one(*case), **EXACT)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_definitions_gradients(case, form):
    tensors = case[:4]
    expected = one_by_one(*case)
    upstream = torch.randn(expected.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    wanted = torch.autograd.grad(expected, tensors, upstream)
    found = torch.autograd.grad(FORMS[form](*case), tensors, upstream)
    for gradient, correct in zip(found, wanted, strict=True):
        torch.testing.assert_close(gradient, correct, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("form", FORMS)
def test_the_operator_is_linear_in_the_coefficients(case, form):
    x, weight, bias, first, stride, padding = case
    second = first.flip(0) + 0.5

    def result(coefficients):
        return FORMS[form](x, weight, bias, coefficients, stride, padding)

    combined = 2 * result(first) - 3 * result(second)
    torch.testing.assert_close(result(2 * first - 3 * second), combined, rtol=0.0, atol=1e-11)


@pytest.mark.parametrize("form", FORMS)
def test_one_kernel_alone_is_a_plain_convolution(case, form):
    x, weight, bias, coefficients, stride, padding = case
    for k in range(len(weight)):
        alone = torch.zeros_like(coefficients)
        alone[:, k] = 1
        plain = conv2d(x, weight[k], bias[k], stride, padding)
        torch.testing.assert_close(FORMS[form](x, weight, bias, alone, stride, padding), plain, **EXACT)


@pytest.mark.parametrize("form", FORMS)
def test_the_layout_in_memory_does_not_matter(case, form):
    x, *others = case
    channels_last = x.detach().contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(FORMS[form](channels_last, *others), FORMS[form](x, *others), **EXACT)


@pytest.mark.parametrize("form", FORMS)
def test_forms_agree_in_bf16_as_far_as_its_digits_reach(form):
    generator = torch.Generator().manual_seed(0)
    x, weight = torch.randn(4, 8, 8, 8, generator=generator), torch.randn(3, 6, 8, 3, 3, generator=generator)
    bias, shares = torch.zeros(3, 6), torch.rand(4, 3, generator=generator).softmax(dim=1)
    exact = one_by_one(x, weight, bias, shares, 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = FORMS[form](x, weight, bias, shares, 1, 1)
    assert rounded.dtype == torch.bfloat16
    assert (rounded - exact).abs().max() < 0.03 * exact.abs().max()


def test_mix_takes_the_form_that_the_rule_names_for_its_output(case, monkeypatch):
    asked = []

    def rule(batch, num_kernels, positions, low_precision):
        asked.append((batch, num_kernels, positions, low_precision))
        return "marked"

    monkeypatch.setattr(operators, "choose_form", rule)
    monkeypatch.setitem(FORMS, "marked", FORMS["loop"])
    result = mix(*case)
    x, weight = case[:2]
    assert asked == [(len(x), len(weight), result.shape[2] * result.shape[3], False)]


def test_low_precision_is_seen_in_the_tensor_and_in_autocast(monkeypatch):
    seen = []
    monkeypatch.setattr(operators, "choose_form", lambda *arguments: seen.append(arguments[-1]) or "loop")
    tensors = torch.ones(2, 1, 4, 4), torch.ones(2, 1, 1, 3, 3), torch.ones(2, 1), torch.ones(2, 2)
    mix(*tensors, 1, 1)
    mix(*(tensor.bfloat16() for tensor in tensors), 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        mix(*tensors, 1, 1)
    assert seen == [False, True, True]


@pytest.mark.parametrize("low_precision", [False, True])
@pytest.mark.parametrize("num_kernels", [1, 2, 3, 8])
@pytest.mark.parametrize("positions", [1, 64, 1024])
def test_one_image_is_always_convolved_once(num_kernels, positions, low_precision):
    assert choose_form(1, num_kernels, positions, low_precision) == "grouped"


@pytest.mark.parametrize(
    ("num_kernels", "side", "low_precision", "quicker"),
    [
        (3, 32, False, "grouped"),  # ms: loop 658, grouped 230
        (3, 32, True, "loop"),  # 223, 255
        (3, 8, False, "loop"),  # 472, 487
        (3, 8, True, "loop"),  # 353, 474
        (4, 32, False, "grouped"),  # 193, 48
        (4, 16, False, "grouped"),  # 300, 100
        (4, 8, False, "loop"),  # 360, 429
    ],
)
def test_the_rule_names_the_form_that_was_measured_to_be_quicker(num_kernels, side, low_precision, quicker):
    assert choose_form(128, num_kernels, side**2, low_precision) == quicker


@pytest.mark.parametrize("positions", [16, 64, 256, 1024])
def test_one_kernel_is_never_grouped_and_more_kernels_only_ever_speak_for_grouping(positions):
    forms = [choose_form(32, num_kernels, positions) for num_kernels in range(1, 20)]
    assert forms[0] == "loop"
    assert forms == sorted(forms, reverse=True)  # loops first, then grouped

"""The forms of the mixing operator agree to the last digits, and the cheaper one is chosen."""

import math

import pytest
import torch
from torch.nn.functional import conv2d

from cifar_core.models.ops import mix as subject
from cifar_core.models.ops import winograd
from cifar_core.models.ops.mix import FORMS, choose_form, mix

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

    def rule(*arguments):
        asked.append(arguments)
        return "marked"

    monkeypatch.setattr(subject, "choose_form", rule)
    monkeypatch.setitem(FORMS, "marked", FORMS["loop"])
    result = mix(*case)
    x, weight = case[:2]
    positions = result.shape[2] * result.shape[3]
    vectors = torch.backends.cpu.get_cpu_capability()
    ((*sizes, by_tiles),) = asked
    assert sizes == [len(x), len(weight), positions, weight[0].numel(), False, "cpu", vectors]
    fits = len(x) > 1 and weight.shape[3:] == (3, 3) and case[4:] == (1, 1)
    assert by_tiles < math.inf if fits else by_tiles == math.inf


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_the_result_lies_in_memory_as_the_input_does(form, layout, monkeypatch):
    monkeypatch.setattr(subject, "choose_form", lambda *_: form)
    x = torch.ones(3, 4, 6, 6).contiguous(memory_format=layout)
    result = mix(x, torch.ones(2, 5, 4, 3, 3), torch.ones(2, 5), torch.ones(3, 2), 1, 1)
    assert result.is_contiguous(memory_format=layout)


def small(dtype=torch.float64, images=5):
    """Operands of two kernels of 3x3, from 2 to 3 channels at 5x4."""
    generator = torch.Generator().manual_seed(2)
    shapes = (images, 2, 5, 4), (2, 3, 2, 3, 3), (2, 3), (images, 2)
    return [torch.randn(shape, dtype=dtype, generator=generator).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 1), (1, 0), (2, 3)])
def test_gradients_are_those_of_finite_differences(form, stride, padding):
    assert torch.autograd.gradcheck(lambda *tensors: FORMS[form](*tensors, stride, padding), small(images=3))


@pytest.mark.parametrize("images_a_chunk", [1, 2, 4, 5, 9])
def test_the_size_of_a_chunk_does_not_matter(images_a_chunk, monkeypatch):
    tensors = small()
    upstream = torch.randn(5, 3, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    monkeypatch.setattr(winograd, "CHUNK_BYTES", images_a_chunk * 8 * 18 * (3 + 6))
    results = [FORMS[form](*tensors, 2, 1) for form in ("products", "loop")]
    torch.testing.assert_close(*results, **EXACT)
    found, wanted = (torch.autograd.grad(result, tensors, upstream) for result in results)
    for gradient, correct in zip(found, wanted, strict=True):
        torch.testing.assert_close(gradient, correct, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("form", FORMS)
def test_forms_agree_in_fp32_to_rounding(form):
    tensors = small(torch.float32)
    exact = FORMS["loop"](*(tensor.double() for tensor in tensors), 1, 1).float()
    result = FORMS[form](*tensors, 1, 1)
    if form == "winograd":  # large tiles round a few numbers further
        assert (result - exact).norm() / exact.norm() < 1e-5
    else:
        torch.testing.assert_close(result, exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_parameters_learn_under_autocast_too(form):
    tensors = small(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        FORMS[form](*tensors, 1, 1).square().sum().backward()
    found = [tensor.grad.clone() for tensor in tensors]
    for tensor in tensors:
        tensor.grad = None
    FORMS["loop"](*tensors, 1, 1).square().sum().backward()
    for gradient, tensor in zip(found, tensors, strict=True):
        assert gradient.dtype == torch.float32
        assert (gradient - tensor.grad).abs().max() < 0.05 * tensor.grad.abs().max()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_answers_without_gradients_and_on_meta_tensors(form):
    tensors = small(torch.float32)
    wanted = FORMS[form](*tensors, 1, 1)
    with torch.inference_mode():
        assert torch.equal(FORMS[form](*tensors, 1, 1), wanted)
    on_meta = FORMS[form](*(tensor.to("meta") for tensor in tensors), 1, 1)
    assert on_meta.shape == wanted.shape


def test_images_that_need_no_gradient_get_none():
    x, *others = small()
    FORMS["products"](x.detach(), *others, 1, 1).sum().backward()
    assert x.grad is None and all(tensor.grad is not None for tensor in others)


class Mixed(torch.nn.Module):
    """The operator as a module, which torch.export asks for."""

    def forward(self, x, weight, bias, coefficients):
        return mix(x, weight, bias, coefficients, 1, 1)


@pytest.mark.parametrize("images", [1, 5])
def test_the_operator_can_be_exported(images):
    tensors = tuple(tensor.detach() for tensor in small(torch.float32, images))
    exported = torch.export.export(Mixed(), tensors).module()
    torch.testing.assert_close(exported(*tensors), mix(*tensors, 1, 1))


def test_low_precision_is_seen_in_the_tensor_and_in_autocast(monkeypatch):
    seen = []
    monkeypatch.setattr(subject, "choose_form", lambda *arguments: seen.append(arguments[4]) or "loop")
    tensors = torch.ones(2, 1, 4, 4), torch.ones(2, 1, 1, 3, 3), torch.ones(2, 1), torch.ones(2, 2)
    mix(*tensors, 1, 1)
    mix(*(tensor.bfloat16() for tensor in tensors), 1, 1)
    with torch.autocast("cpu", torch.bfloat16):
        mix(*tensors, 1, 1)
    assert seen == [False, True, True]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("low_precision", [False, True])
@pytest.mark.parametrize("num_kernels", [1, 2, 3, 8])
@pytest.mark.parametrize("positions", [1, 64, 1024])
def test_one_image_is_always_convolved_once(num_kernels, positions, low_precision, device):
    assert choose_form(1, num_kernels, positions, 9 * 64 * 64, low_precision, device) == "grouped"


@pytest.mark.parametrize(
    ("num_kernels", "side", "channels", "low_precision", "vectors", "quicker"),
    [
        (3, 32, 64, False, "AVX512", "grouped"),  # ms: loop 658, grouped 230
        (2, 15, 64, True, "AVX512", "products"),  # 127, 129; products 110
        (2, 7, 256, True, "AVX512", "loop"),  # 386, 1452; products 482
        (4, 3, 256, True, "AVX512", "loop"),  # 184, 1474; products 313
        (3, 8, 256, False, "AVX512", "loop"),  # 472, 487
        (4, 32, 64, False, "AVX512", "grouped"),  # 193, 48
        (4, 16, 128, False, "AVX512", "grouped"),  # 163, 57
        (4, 8, 256, False, "AVX512", "loop"),  # 147, 317
        (3, 32, 64, False, "AVX2", "grouped"),  # 1190, 473; products 537
        (3, 16, 128, False, "AVX2", "grouped"),  # 1095, 472; products 492
        (3, 8, 256, False, "AVX2", "products"),  # 996, 654; grouped 710
    ],
)
def test_the_rule_names_the_form_that_was_measured_to_be_quicker(
    num_kernels, side, channels, low_precision, vectors, quicker
):
    numbers = 9 * channels**2
    assert choose_form(128, num_kernels, side**2, numbers, low_precision, "cpu", vectors) == quicker


def test_the_few_numbers_of_a_first_kernel_are_multiplied():
    assert choose_form(128, 3, 1024, 9 * 3 * 64) == "products"  # ms: loop 133, grouped 71, products 31
    assert choose_form(128, 2, 361, 9 * 24 * 64, True) == "products"  # loop 110, grouped 142, products 101


def test_a_small_batch_keeps_its_kernels_in_the_cache():
    assert choose_form(16, 3, 64, 9 * 256 * 256) == "grouped"
    assert choose_form(128, 3, 64, 9 * 256 * 256) == "products"


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
@pytest.mark.parametrize("positions", [16, 64, 256, 1024])
def test_one_kernel_is_never_mixed_and_more_kernels_only_ever_speak_for_mixing(positions, device):
    forms = [choose_form(32, kernels, positions, 9 * 64 * 64, device=device) for kernels in range(1, 20)]
    mixed = [form in ("grouped", "products") for form in forms]
    assert forms[0] == "loop"
    assert mixed == sorted(mixed)
    assert all(form in FORMS for form in forms)

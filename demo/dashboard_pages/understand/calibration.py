"""Can its probabilities be believed: the reliability curve, and the temperature that mends it."""

import math

import streamlit as st

from cifar_core.metrics.calibration import fit_temperature, picture_losses, probabilities, reliability
from demo.charts.calibration import calibration_chart
from demo.dashboard_pages.understand.answers import Answers
from demo.shared.format import percent
from demo.widgets.chart import show_chart
from demo.widgets.panels import show_table

LOWEST, ENDS = 0.25, (4.0, 10.0)  # what the slider offers; a network that learned by heart needs the second
ABOUT = (
    "A calibrated network that says 80 % is right 8 times in 10. Dividing its logits, the scores that become "
    "probabilities, by one number, the temperature, makes a network less sure (above 1) or surer (below 1) "
    "without changing any answer."
)
NO_FIT = (
    "This run set no validation pictures aside, and a temperature is never fitted on test pictures: "
    "move the slider to see what one does."
)
TRAINED, KEPT = "as trained", "on all pages"
SAME = " These are the pictures that it was fitted on; the test pictures give an independent figure."


def show_calibration(answers: Answers, validation: Answers | None) -> None:
    """The curve at the temperature of the slider, which begins at the card's, or else at the fitted one.

    validation: what the temperature is fitted on, None where the run set nothing aside.
    """
    st.write(ABOUT)
    fitted, kept = fitted_temperature(validation), kept_temperature(answers)
    usual = usual_temperature(kept, fitted)
    chosen = st.slider("Temperature", LOWEST, ENDS[usual > ENDS[0]], usual, 0.01)
    st.caption(f"{describe_kept(kept)} {describe_fit(fitted, validation, answers)}")
    plain = reliability(probabilities(answers.logits), answers.targets)
    mended = reliability(probabilities(answers.logits, chosen), answers.targets)
    alt = "Line chart: share of right answers over the probability of the answer"
    show_chart(calibration_chart(plain, mended, chosen), "calibration", alt)
    st.header("In numbers")
    show_table(rows(answers, {TRAINED: 1.0, KEPT: kept, "fitted here": fitted, "at the slider": chosen}))
    st.caption(
        "Calibration error (ECE): the distance between how sure and how right, averaged over the pictures, "
        "in 15 bins. Loss: mean cross-entropy in nats. Lower is better for both."
    )


def usual_temperature(kept: float | None, fitted: float | None) -> float:
    """Return where the slider begins."""
    return min(ENDS[1], max(LOWEST, kept or fitted or 1.0))


def kept_temperature(answers: Answers) -> float | None:
    """The one of the network's card in hundredths; None where it has none."""
    return round(answers.temperature, 2) if answers.temperature != 1 else None


def describe_kept(kept: float | None) -> str:
    """Say which probabilities the other pages show."""
    if kept is None:
        return "Its card has no temperature: every page shows its probabilities as trained."
    return f"Its card has the temperature {kept:.2f}: every page that asks this network divides by it."


def fitted_temperature(validation: Answers | None) -> float | None:
    """The best temperature in hundredths, as the slider has them; None without pictures to fit it on."""
    return round(fit_temperature(validation.logits, validation.targets), 2) if validation else None


def describe_fit(fitted: float | None, validation: Answers | None, answers: Answers) -> str:
    """Say where the fitted temperature comes from."""
    if fitted is None or validation is None:
        return NO_FIT
    count = len(validation.targets)
    same = SAME if validation is answers else ""
    return f"{fitted:.2f} has the lowest loss on {count:,} validation pictures.{same}"


def rows(answers: Answers, temperatures: dict[str, float | None]) -> list[dict[str, str]]:
    """Calibration error and loss at some temperatures, each once; those of None are left out."""
    named: dict[float, list[str]] = {}
    for name, temperature in temperatures.items():
        if temperature is not None and math.isfinite(temperature):
            named.setdefault(temperature, []).append(name)
    table = []
    for temperature, names in named.items():
        result = reliability(probabilities(answers.logits, temperature), answers.targets)
        loss = picture_losses(answers.logits, answers.targets, temperature).mean()
        table.append(
            {
                "": ", ".join(names),
                "temperature": f"{temperature:.2f}",
                "calibration error": percent(result.ece),
                "loss": f"{loss:.4f}",
            }
        )
    return table

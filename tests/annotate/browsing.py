"""What a person at the page does and sees."""

import re

import numpy as np

STRIP = 22


def come_in(page, link):
    page.goto(link)
    page.wait_for_selector("#axial[data-slice]")
    page.wait_for_load_state("networkidle")


def centre(page, name):
    box = page.locator(f"#{name}").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def position(page, name, slices, pixel):
    """Where on the page a pixel is shown, as long as the view is as at the beginning."""
    box = page.locator(f"#{name}").bounding_box()
    size, spacing = np.array(slices.size), np.array(slices.spacing_mm)
    scale = min((np.array([box["width"] - 2 * STRIP, box["height"]])) / (size * spacing))
    return np.array(centre(page, name)) + (np.array(pixel) + 0.5 - size / 2) * spacing * scale


def shown(page, name="axial"):
    """The number of the slice that is shown."""
    return int(re.search(r"slice (\d+)", page.locator(f"#{name}").get_attribute("aria-label"))[1])


def settle(page):
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")

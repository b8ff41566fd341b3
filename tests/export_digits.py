"""Writes bpsym/examples/presets/digits.csv out of scikit-learn's package: `python tests/export_digits.py`.

The digits are "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (UCI Machine Learning Repository,
1998, https://doi.org/10.24432/C50P49, CC BY 4.0), of which scikit-learn carries the test set: 1797 images of 8 x 8 pixels
with values from 0 to 16. A column is named by the pixel's row and column; the last one is the digit.
"""

from pathlib import Path

from sklearn.datasets import load_digits

FILE = Path(__file__).resolve().parent.parent / "bpsym" / "examples" / "presets" / "digits.csv"


def rows() -> list[list[str]]:
    digits = load_digits()
    header = [*(f"p{row}{column}" for row in range(8) for column in range(8)), "digit"]
    pixels = [[str(int(value)) for value in image] for image in digits.data]
    return [header, *([*image, str(label)] for image, label in zip(pixels, digits.target, strict=True))]


if __name__ == "__main__":
    FILE.write_text("".join(",".join(row) + "\n" for row in rows()), encoding="utf-8", newline="\n")

"""The suite and a driver as a package of somebody else has them."""

import subprocess
import sys


def test_suite_without_pytest_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "try: import instance_images.testing\n"
        "except ImportError as error: print(error)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert "pip install 'instance-images[testing]'" in done.stdout, done.stderr


def test_product_itself_imports_no_tests() -> None:
    code = (
        "import sys; import instance_images.commands.main, instance_images.application\n"
        "print([name for name in sys.modules if 'pytest' in name or 'images.testing' in name])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.stdout == "[]\n", done.stderr

"""The lesson on AlexNet, ZFNet and VGG: where their cost lies, and what VGG's rules do to it."""

"""Well-known networks that the catalogue does not have."""

ABSENT = {
    "CondenseNet": "densenet121", "FractalNet": "", "Highway": "", "Network in Network": "", "NiN": "", "OverFeat": "",
    "SqueezeNet": "", "DPN": "", "Dual Path": "", "PyramidNet": "", "PolyNet": "", "RiR": "", "ResNet in ResNet": "",
    "Stochastic Depth": "", "Res2Net": "", "HRNet": "", "Hourglass": "", "Darknet": "", "CSPNet": "", "NFNet": "",
    "NASNet": "", "PNASNet": "", "AmoebaNet": "", "DARTS": "", "GhostNet": "",
    "ViT": "", "Vision Transformer": "", "DeiT": "", "Swin": "", "MaxViT": "", "CoAtNet": "", "MobileViT": "", "MLP-Mixer": "",
    "YOLO": "", "SSD": "", "DETR": "", "SegNet": "", "DeepLab": "", "FCN": "", "U-Net": "",
    "CaffeNet": "alexnet_2012", "RepVGG": "vgg16", "Inception v4": "inception_v3", "Inception-ResNet": "inception_v3",
    "Xception": "mobilenetv1_100", "MobileNet v3": "mobilenet_v2", "MobileNet v4": "mobilenet_v2", "MnasNet": "mobilenet_v2",
    "EfficientNet": "mobilenet_v2", "ResNet-RS": "resnet50d",
    "ConvNeXt": "resnet50", "BiT": "resnetv2_50", "RegNet": "resnext50_32x4d", "CBAM": "seresnet50", "ECA-Net": "seresnet50",
    "SE-Inception": "seresnet50", "RetinaNet": "resnet50_fpn", "Faster R-CNN": "resnet50_fpn", "Mask R-CNN": "resnet50_fpn",
}
"""Names, in any spelling, that longer ones begin with, such as `squeezenet1_1`. Each with the preset that it builds on
or shares its blocks with, where there is one: EfficientNet's are MobileNetV2's inverted residuals."""

"""Where generated pictures are put, so that answers hold an address instead of megabytes."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator

from gateway.settings.about import About, Group, SettingsModel
from gateway.settings.checks import fold_word, web_url
from gateway.settings.declared.text import Text


class ImageHostSettings(SettingsModel):
    """Nothing is uploaded before the chosen host has what it needs."""

    upload_provider: Annotated[
        Literal["smms", "picgo", "cloudflare_imgbed", "aliyun_oss"],
        BeforeValidator(fold_word),
        About(
            "Where generated pictures go once that place is set up; until then, and when it fails, they stay "
            "inside the answer.",
            Group.IMAGES,
        ),
    ] = "smms"
    smms_secret_token: Annotated[Text, About("Token for smms.", Group.IMAGES, secret=True)] = ""
    picgo_api_key: Annotated[Text, About("Key for picgo.", Group.IMAGES, secret=True)] = ""
    picgo_api_url: Annotated[
        Text,
        AfterValidator(web_url),
        About("Upload address of picgo, or of another Chevereto site or PicGo server.", Group.IMAGES),
    ] = "https://www.picgo.net/api/1/upload"
    cloudflare_imgbed_url: Annotated[
        Text,
        AfterValidator(web_url),
        About(
            "Upload address of cloudflare_imgbed.",
            Group.IMAGES,
            example="https://pictures.example.org/upload",
        ),
    ] = ""
    cloudflare_imgbed_auth_code: Annotated[
        Text, About("Code that cloudflare_imgbed asks for.", Group.IMAGES, secret=True)
    ] = ""
    cloudflare_imgbed_upload_folder: Annotated[
        Text, About("Folder for pictures at cloudflare_imgbed.", Group.IMAGES)
    ] = ""
    oss_endpoint: Annotated[
        Text,
        About("Endpoint of aliyun_oss.", Group.IMAGES, example="oss-cn-hangzhou.aliyuncs.com"),
    ] = ""
    oss_endpoint_inner: Annotated[
        Text,
        About(
            "Endpoint for uploads from inside Alibaba Cloud; pictures are shown at OSS_ENDPOINT.",
            Group.IMAGES,
            example="oss-cn-hangzhou-internal.aliyuncs.com",
        ),
    ] = ""
    oss_access_key: Annotated[Text, About("Access key id for aliyun_oss.", Group.IMAGES)] = ""
    oss_access_key_secret: Annotated[
        Text, About("Access key secret for aliyun_oss.", Group.IMAGES, secret=True)
    ] = ""
    oss_bucket_name: Annotated[
        Text, About("Bucket of aliyun_oss; it must allow objects everybody may read.", Group.IMAGES)
    ] = ""
    oss_region: Annotated[
        Text,
        About(
            "Region of the bucket.",
            Group.IMAGES,
            default_text="read from OSS_ENDPOINT",
            example="cn-hangzhou",
        ),
    ] = ""

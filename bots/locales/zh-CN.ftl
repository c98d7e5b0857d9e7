# 聊天里人们读到的句子。花括号里的值会被填上，请保留。

welcome =
    你好！发给我一张照片，或一组照片（最多 { $most } 张），我会把它们画成卡通。

    想淡一些就发 /style 0.5，想浓一些就发 /style 0.9；/style 看其他风格，/settings 看全部设置。/help 列出所有用法。
help =
    发来一张照片或一组照片（最多 { $most } 张），你会收到卡通图。以文件形式发送可保留全部细节。每个结果下面的按钮可以让它再浓一些、再淡一些，或换一种风格。

    /style 0.8 – 强度，{ $weakest } 到 { $strongest }
    /size 1024 – 最长边像素，{ $smallest } 到 { $largest }
    /format png – 文件格式：{ $formats }
    /faces main – 只精细处理最大的人脸；/faces all – 所有人脸
    /deliver zip – 结果怎么发：photo、file、zip 或 auto
    /settings – 以上全部，用按钮设置
    /compare – 上一张照片的几种强度；/compare styles – 所有风格
    /queue – 你的照片何时画好
    /cancel – 取消还没画的照片
    /language en – 我说的语言：en、zh-CN 或 auto
    /privacy – 我保留什么、保留多久
    /forget – 删除你在这里的照片、请求和设置
    在群里：用 /cartoon 回复照片，或在照片说明里提到我。/auto on – 画每张照片（群管理员）

    风格：
    { $styles }

    在照片说明里写 "0.9"、"ink 0.9" 或 "/size 2048"，只对这一张或这一组有效。
help-discord =
    用 /cartoon 附上一张照片，或用 /batch 附上最多 { $most } 张，你会收到卡通图。也可以私信发照片给我，或在带照片的消息里提到我。想画别人的图片：长按或右键点消息，选「应用」再选「画成卡通」。每个结果下面的按钮可以让它再浓一些、再淡一些，或换一种风格。

    /style 0.8 – 强度，{ $weakest } 到 { $strongest }
    /size 1024 – 最长边像素，{ $smallest } 到 { $largest }
    /format png – 文件格式：{ $formats }
    /faces main – 只精细处理最大的人脸；/faces all – 所有人脸
    /deliver zip – 多个结果打成一个 ZIP；/deliver auto – 发图片
    /settings – 以上全部，用按钮设置
    /compare – 一张照片或上一张照片的几种强度或所有风格
    /queue – 你的照片何时画好
    /cancel – 取消还没画的照片
    /language en – 我说的语言：en、zh-CN 或 auto
    /privacy – 我保留什么、保留多久
    /forget – 删除你在这里的照片、请求和设置

    风格：
    { $styles }

    和照片写在同一条消息里的 "0.9"、"ink 0.9" 或 "/size 2048"，只对这些照片有效。
help-web =
    把照片（最多 { $most } 张）拖到下面的输入框里，或粘贴进去，按回车，你会收到卡通图。每个结果下面的按钮可以让它再浓一些、再淡一些，或换一种风格。上面的标签页可以把一张照片和它的卡通图并排看，也可以一次画很多张。

    /style 0.8 – 强度，{ $weakest } 到 { $strongest }
    /size 1024 – 最长边像素，{ $smallest } 到 { $largest }
    /format png – 文件格式：{ $formats }
    /faces main – 只精细处理最大的人脸；/faces all – 所有人脸
    /deliver zip – 多个结果打成一个 ZIP；/deliver auto – 发图片
    /settings – 以上全部，用按钮设置
    /compare – 上一张照片的几种强度；/compare styles – 所有风格
    /queue – 你的照片何时画好
    /cancel – 取消还没画的照片
    /language en – 我说的语言：en、zh-CN 或 auto
    /privacy – 我保留什么、保留多久
    /forget – 删除你在这里的照片、卡通图、请求和设置

    风格：
    { $styles }

    和照片一起发的 "0.9"、"ink 0.9" 或 "/size 2048"，只对这些照片有效。
settings =
    你的设置：
    风格：{ $style }（/style）
    强度：{ $strength }（/style）
    尺寸：{ $size } 像素（/size）
    格式：{ $format }（/format）
    精细处理：{ $faces ->
        [main] 最大的人脸
       *[all] 所有人脸
    }（/faces）
    结果发送：{ $deliver ->
        [photo] 图片
        [file] 文件
        [zip] ZIP 压缩包
       *[auto] { $platform ->
            [discord] 图片
            [web] 图片
           *[other] 不损失画质时发图片，否则发文件
        }
    }（/deliver）
    语言：{ $language ->
        [en] English
        [zh-CN] 中文
       *[auto] 跟随你的应用
    }（/language）
kept =
    已记住：{ $style }，强度 { $strength }，{ $size } 像素，{ $format }{ $faces ->
        [main] ，只精细处理最大的人脸
       *[all] ，精细处理所有人脸
    }。
page-size = 你的尺寸是 { $size } 像素，即卡通图的最长边。/size 1400 可设为 512 到 2048 的任意数值。
page-format = 你的格式是 { $format }。PNG 无损但较大；JPG 和 WebP 较小。
page-faces =
    { $faces ->
        [main] 现在只精细处理最大的人脸。发送 /faces all 可改为所有人脸。
       *[all] 现在精细处理所有人脸。发送 /faces main 可改为只处理最大的一张。
    }
style-gone = 风格“{ $style }”已不在这里，所以我用 { $instead } 来画。发送 /style 查看现有风格。
page-style = 你的风格是 { $style }，强度 { $strength }。例如发送 /style 0.8 或 /style { $style } 0.8。
page-strength =
    你的强度是 { $strength }。
    0.3 是轻滤镜，0.5 初具卡通感，0.7 自然，0.9 浓烈，1.0 完全是该风格。/style 0.85 可设为 0.1 到 1.0 的任意数值。
page-deliver =
    { $deliver ->
        [photo] 结果以图片发送{ $platform ->
            [discord] 。
            [web] 。
           *[other] ，聊天软件可能会缩小大图。
        }
        [file] 结果以文件发送，原样不变。
        [zip] 多个结果打包成一个 ZIP 文件，按发送顺序编号 01 到 20。
       *[auto] { $platform ->
            [discord] 结果以图片发送。
            [web] 结果以图片发送。
           *[other] 不损失画质时以图片发送，否则以文件发送。
        }
    }可用 /deliver photo、file、zip、auto。
page-language =
    { $language ->
        [en] 我会用英文和你交流。
        [zh-CN] 我会用中文和你交流。
       *[auto] 我会使用你应用的语言。
    }可用 /language en、zh-CN、auto。
setting-style = 风格：{ $value }
setting-strength = 强度：{ $value }
setting-size = 尺寸：{ $value } 像素
setting-format = 格式：{ $value }
setting-faces = 人脸：{ $value }
setting-deliver = 结果：{ $value }
setting-language = 语言：{ $value }
faces-value =
    { $value ->
        [main] 最大的一张
       *[all] 全部
    }
deliver-value =
    { $value ->
        [photo] 图片
        [file] 文件
        [zip] ZIP
       *[auto] 自动
    }
language-value =
    { $value ->
        [en] English
        [zh-CN] 中文
       *[auto] 跟随应用
    }
kept-short = 已记住。
look =
    { $sheet ->
        [before] { $style } { $strength } 与原图对照
        [strengths] { $style } 的几种强度
        [styles] 所有风格，强度 { $strength }
       *[none] { $style } { $strength }，{ $size } 像素，{ $format }
    }
style-line = /style { $name } – { $description }
style-ink = 平涂色块，配干净的墨线
style-sketch-ink = 白纸上的铅笔线条，略施淡彩
style-pop = 几种鲜明的平涂颜色，配粗线条
style-anime = 日本动漫风，重绘面部
style-3d = 像动画电影里的人物
style-handdrawn = 手绘风，色彩温暖
style-sketch = 铅笔肖像
style-artstyle = 绘画风，像纸上的插画
style-design = 形状简洁，像设计师绘制的头像
style-illustration = 柔和，像图画书
unknown-command-discord = 我不认识 { $command }，或者只有运行这个机器人的人才能用它。发送 /help 查看我会做什么。
unknown-command = 我不认识 { $command }。发送 /help 查看我会做什么。
photos-only = 我只会画图片：请发照片，或以文件形式发图片。发送 /help 查看我会做什么。
photos-only-discord = 我会画图片：请用 /cartoon 附上照片，或在带照片的消息里提到我。发送 /help 查看我会做什么。
send-a-photo-discord = 请用 /cartoon 附上一张照片，或私信发给我，我会把它画成卡通。发送 /help 查看我会做什么。
send-a-photo = 请发给我一张照片，我会把它画成卡通。发送 /help 查看我会做什么。
cancelled =
    { $photos ->
        [0] 你没有排队的照片。
       *[other] 已取消 { $photos } 张照片。
    }
forgotten =
    { $photos ->
        [0] 这里没有留下你的任何照片。
       *[other] 已删除留在这里的你的 { $photos } 张照片和 { $jobs } 个请求的全部内容。
    }{ $settings ->
        [0] 你没有设置过什么。
       *[other] 你的设置也已删除。
    }留下的只有管理者对你的决定（允许、禁止、每日张数），以及今天发了多少张照片（UTC 零点删除）。

# 按钮，以及按下后的话

button-cancel = 取消
button-back = ‹ 返回
button-all-settings = ‹ 全部设置
button-another-style = 换风格
button-compare = 对比强度
button-before-after = 画前 / 画后
button-as-files = 发文件
button-delete = 删除
button-not-yours = 这些按钮不属于你。发一张你自己的照片给我吧！
button-too-old = 我已经不记得这一张了，请重新发送照片。
deleted = 已删除。
delete-not-allowed = 这里有的消息我删不掉。你可以自己删除。
delete-too-old = 没能删除它；聊天软件只允许在两天内删除。你可以自己删除。

# 针对一张照片的命令，以及群聊

cartoon-what = 请用 /cartoon 回复一张照片，例如 /cartoon ink 0.9；或把它写在照片说明里发给我。
compare-what = 请先发给我一张照片，或用 /compare 回复一张照片。/compare styles 展示所有风格。
compare-what-web = 请先发给我一张照片，或把 /compare 和照片一起发。/compare styles 显示所有风格。
cartoon-what-web = 请把 /cartoon 和照片一起发，例如 /cartoon ink 0.9。
compare-what-discord = 请用 /compare 附上一张照片，或先用 /cartoon 画一张。
answered-without-picture = 在你回复的消息里，我没有看到图片。如果有，请长按或右键点那条消息，选「应用」再选「画成卡通」。
message-without-picture = 那条消息里没有我能画的图片。我不会打开链接；请选一条附有图片的消息。
cannot-attach = 在你提问的频道里，我不能发送图片。请让服务器的管理者在那里给我「发送消息」和「附加文件」的权限，或把照片私信发给我。
batch-title = 要画的照片
batch-photos = 照片
batch-photos-hint = 1 到 10 张图片
batch-more = 更多照片
batch-more-hint = 需要的话，再加最多 10 张
privacy =
    照片只在运行这个机器人的机器上绘制，不会发往别处。你收到卡通图后，照片和卡通图会立即从那里删除。

    我保留的有：你的设置；到 UTC 零点为止，你今天发了多少张照片；以及在 { $days } 天内，谁在什么时候要了什么、文件名，和聊天软件对每张照片的引用，好让结果下面的按钮继续有效。图片本身留在聊天软件那里。

    /forget 会立即全部删除。机器人更新前的备份可能会多留一周。
privacy-web =
    照片只在运行这个网页的机器上绘制，不会发往别处。照片、卡通图和这里说过的话会在那里保留 { $hours } 小时，让这个浏览器能显示它们；别的浏览器看不到。

    保留更久的有：你的设置；到 UTC 零点为止，你今天发了多少张照片；以及在 { $days } 天内，这个浏览器在什么时候要了什么和文件名。

    /forget 会立即全部删除。更新前的数据库备份可能会多留一周。
auto-in-groups = /auto 用于群聊：管理员可以让我画群里的每张照片。在这里我本来就会画每张照片。
auto-now =
    { $state ->
        [on] 我会画这个群的每张照片。/auto off：只画叫我画的。
       *[off] 我只画叫我画的照片（用 /cartoon 回复，或在说明里提到我）。/auto on：画每张照片。只有群管理员可以更改。
    }
auto-not-allowed = 只有这个群的管理员可以更改。你可以用 /cartoon 回复任何照片。
auto-on =
    从现在起我会画这里的每张照片。/auto off 可以结束。{ $sees ->
        [no] 但我现在还看不到照片：请把我设为群管理员，或请运行我的人向 @BotFather 发送 /setprivacy 并选择 Disable，然后重新拉我入群。
       *[yes] {""}
    }
auto-off = 从现在起我只画叫我画的照片：用 /cartoon 回复，或在说明里提到我。

# 管理者读到的句子

allow-usage-discord = 请在“用户”里选择允许谁使用，或在“编号”里写明，例如 telegram:1234。
ban-usage-discord = 请在“用户”里选择禁止谁使用，或在“编号”里写明，例如 telegram:1234。
quota-usage-discord = 请在“用户”里选择是谁，或在“编号”里写明，例如 telegram:1234，并写明每天多少张（不超过 { $most }）。0 表示不限。
banned-discord = { $person } 现在不能使用机器人了。/admin allow 可以重新允许。
allow-usage = 请写明允许谁使用，例如 /allow telegram:1234 或 /allow discord:5678。只写数字则指当前平台。
ban-usage = 请写明禁止谁使用，例如 /ban telegram:1234 或 /ban discord:5678。只写数字则指当前平台。
quota-usage = 请写明是谁和每天多少张（不超过 { $most } 的整数），例如 /quota telegram:1234 50。0 表示不限。
allowed = { $person } 现在可以使用机器人了。
banned = { $person } 现在不能使用机器人了。/allow { $person } 可以重新允许。
ban-admin = { $person } 是管理者，在聊天里不能禁止管理者。管理者由设置 ADMIN_IDS 决定。
quota-set =
    { $quota ->
        [0] { $person } 每天的照片不限张数。
       *[other] { $person } 每天可以发 { $quota } 张照片。
    }
stats =
    等待的照片：{ $waiting }
    启动以来：画好 { $drawn } 张，失败 { $failed } 张，已运行 { $uptime_hours } 小时
    今天（UTC）：{ $photos_today } 张照片，{ $people_today } 人
    暂存的照片：{ $spool_megabytes } MB

# 一张照片的经过

queued =
    收到 { $photos } 张照片：{ $look }。{ $ahead ->
        [0] 现在就画。
       *[other] 前面还有 { $ahead } 张。
    }{ $unit ->
        [seconds] 大约需要 { $wait } 秒。
        [minutes] 大约需要 { $wait } 分钟。
       *[none] {""}
    }
drawing =
    正在画你的 { $photos } 张照片：{ $look }。
    { $bar } { $done }/{ $photos }{ $ahead ->
        [0] {""}
       *[other] {" · "}前面还有 { $ahead } 张
    }{ $unit ->
        [seconds] {" · "}大约还要 { $wait } 秒
        [minutes] {" · "}大约还要 { $wait } 分钟
       *[none] {""}
    }
drawing-again = 马上就来：{ $look }。
outlook =
    { $photos ->
        [0] 你没有排队的照片。
       *[other] 你有 { $photos } 张照片正在处理。
    }{ $ahead ->
        [0] {""}
       *[other] 前面还有 { $ahead } 张。
    }{ $unit ->
        [seconds] 大约需要 { $wait } 秒。
        [minutes] 大约需要 { $wait } 分钟。
       *[none] {""}
    }
done =
    { $sheet ->
        [before] 画前与画后：{ $style } { $strength }。
        [strengths] { $style } 的几种强度。
        [styles] 所有风格，强度 { $strength }。
       *[none] { $photos ->
            [1] 你的卡通画好了：{ $style } { $strength }。
           *[other] 你的 { $photos } 张卡通画好了：{ $style } { $strength }。
        }
    }
fitted =
    { $format ->
        [jpg] 有 { $photos } 张卡通对这个聊天来说太大，所以压缩后发送。
       *[other] 有 { $photos } 张卡通的 { $format ->
            [webp] WebP
           *[png] PNG
        } 文件对这个聊天来说太大，所以改用 JPG 发送。
    }
alt-text = { $name } 的卡通画：{ $look }
alt-text-unnamed = 卡通画：{ $look }
photo-failed-line = 第 { $number } 张（{ $name }）：{ $reason }
photos-failed-line = 第 { $first } 到 { $last } 张：{ $reason }
photo-failed-only = { $name }：{ $reason }
photo-name = 照片
too-many-photos = 我一次最多收 { $most } 张照片；前 { $most } 张已经在画了，其余的请稍后再发。
something-broke = 我这边出了点问题。你的设置没有丢，请过一分钟再试。

# 错误；名字与 core/errors.py 相同。

user-error = 没有成功。请再试一次，或发送 /help。
look-error = 没有这个设置。发送 /help 查看可选项。
photo-error = 这张照片不能用，请换一张。
strength-out-of-range = “{ $given }”不能作为强度。请发送 { $low } 到 { $high } 之间的数字，例如 /style 0.8。
size-out-of-range = “{ $given }”不能作为尺寸。请发送 { $low } 到 { $high } 之间的整数，例如 /size 1024。
unknown-style = 没有“{ $given }”这种风格。请发送强度（例如 /style 0.8），或以下之一：{ $choices }。
style-missing =
    风格“{ $style }”没有在这里安装。机器人的管理者可以用这个命令安装：
    cartoonbot styles pull { $style }
    现有风格：{ $choices }
style-arriving = 风格“{ $style }”正在下载（{ $percent }%）。请过一分钟再试。在此之前可用：{ $choices }。
style-not-downloaded = 风格“{ $style }”刚才没有下载成功。请再发一次，我会重新下载。现有风格：{ $choices }
style-damaged =
    这里的风格“{ $style }”的文件已损坏。请发送 /style ink，然后重新发送照片。机器人的管理者可以用这个命令修复：
    cartoonbot styles pull { $style } --again
unknown-format = 没有“{ $given }”这种格式。请发送以下之一：{ $choices }。
unknown-faces = 人脸不能设为“{ $given }”。请使用以下之一：{ $choices }。
unknown-delivery = 不能以“{ $given }”的方式发送结果。请选择：{ $choices }。
unknown-language = 我还不会说“{ $given }”。请选择：{ $choices }。
not-a-photo = 这不是我能读的图片。请发送 JPEG、PNG、WebP、GIF 或 HEIC 图片。
photo-empty = 文件是空的，请重新发送。
photo-truncated = 图片损坏或不完整，请重新发送。
photo-too-heavy = 文件有 { $megabytes } MB，我最多能收 { $limit } MB。请发小一点的。
photo-too-large = 图片超过 { $megapixels } 兆像素（百万像素），我最多能收 { $limit } 兆。请缩小后重新发送。
heic-unsupported = 这里读不了 HEIC 图片，请以 JPEG 发送。
photo-unavailable = 没能取到这张照片，请重新发送。
result-refused = 聊天平台不收这张画好的图。请试试 /format jpg 或更小的 /size。
photo-failed = 我这边没画成，请稍后重新发送。
queue-full = 现在排队的照片太多（{ $waiting } 张），暂时收不下了。请过几分钟再发。
owner-queue-full = 你还有 { $waiting } 张照片在排队，每人最多 { $limit } 张。请等画完一些再发。
quota-reached = 你今天的 { $limit } 张照片已用完。请明天（UTC 零点以后）再发。
not-invited =
    这是私人机器人。管理者可以用这个命令让你加入：{ $platform ->
        [discord] /admin allow id: { $person }
       *[other] /allow { $person }
    }
blocked = 运行这个机器人的人不允许你使用，所以我帮不了你。如果你认为是误会，请联系他们。/forget 会删除我保留的你的内容。
storage-unwritable = 我这里暂时存不下东西，所以没有办成。请过几分钟再发一次。

# 网页应用的入口

web-login-hint = 把你的照片画成卡通。请输入本页的密码；不知道的话，请问运行它的人。
web-login-label = 密码
web-login-button = 进入
web-login-wrong = 密码不对，请再试一次。
web-login-wait = 输错密码的次数太多了。请等一分钟再试。
web-login-needed = 这里需要本页的密码。请打开页面输入密码，或在 /login 登录。
web-other-site = 本页只回应自己的访客。请打开本页自己的地址，再试一次。
web-unknown-host = 本页只供它所在的机器使用，地址是 http://127.0.0.1 或 http://localhost。要用别的名称访问，请运行它的人设置 WEB_PASSWORD，或设置 WEB_OPEN=1 让所有人进入。
web-not-found = 这个地址没有内容。请重新打开页面。
web-not-understood = 我没有看懂这个请求。请刷新页面再试一次。
web-file-missing = 这个文件不在这里，或者已经不在了。请重新选择照片。
web-request-heavy = 内容太长了。请缩短后再发一次。
web-upload-heavy = 这个文件太大：我最多能收 { $limit } MB。请选一个小一些的。
web-upload-many = 我一次最多能收 { $most } 个文件。请少选一些，其余的之后再发。
web-upload-broken = 文件没有完整送达。请再发一次。

# 网页

web-label = 卡通机器人
web-entry = 你的消息
web-hint = 把照片拖到这里，或输入 /style 0.8 这样的命令，然后按回车。

# Telegram 的命令菜单；其中一些也用于 Discord

menu-style = 风格和强度，例如 /style 0.8
menu-size = 最长边像素，例如 /size 1024
menu-format = 文件格式：jpg、png 或 webp
menu-faces = 精细处理所有人脸（all）或只处理最大的（main）
menu-settings = 当前设置
menu-cancel = 取消还没画的照片
menu-forget = 删除我的照片、请求和设置
menu-help = 使用说明
menu-deliver = 结果怎么发：photo、file、zip 或 auto
menu-language = 我说的语言：en、zh-CN 或 auto
menu-compare = 上一张照片的几种强度
menu-queue = 你的照片何时画好
menu-privacy = 我保留什么、保留多久
menu-cartoon = 回复照片即可绘制，例如 /cartoon ink 0.9
menu-auto = 画这个群的每张照片：/auto on

# Discord 的命令和选项：名字要短，用小写，不带空格

command-cartoon = 卡通
command-batch = 批量
command-draw-message = 画成卡通
command-compare = 对比
command-style = 风格
command-size = 尺寸
command-format = 格式
command-faces = 人脸
command-deliver = 发送方式
command-language = 语言
command-settings = 设置
command-queue = 排队
command-cancel = 取消
command-forget = 忘记我
command-privacy = 隐私
command-help = 帮助
option-photo = 照片
option-strength = 强度
option-style = 风格
option-size = 尺寸
option-kind = 方式
option-value = 值
option-user = 用户
option-user-id = 编号
option-photos = 张数
choice-strengths = 几种强度
choice-styles = 所有风格
choice-style = { $name } – { $description }
about-cartoon = 把一张照片画成卡通
about-batch = 一次最多画 { $most } 张照片，下一步选择照片
about-compare = 并排比较一张照片的几种强度或所有风格
about-photo = 要画的照片
about-compared-photo = 要比较的照片；不选则用你的上一张
about-kind = 比较什么；不选则比较几种强度
about-strength = 0.3 轻滤镜，0.5 初具卡通感，0.7 自然，0.9 浓烈，1 完全是该风格
about-style = 这里现有的风格之一；不选则用你设置的风格
about-size = 最长边像素；不填则用你设置的尺寸
about-style-value = 强度、风格或两者：0.8、ink 或 ink 0.8
about-size-value = 最长边像素，512 到 2048
about-choice = 选一个；不选就显示现在的设置
about-admin = 供机器人的管理者使用
about-allow = 允许某人使用机器人
about-ban = 禁止某人使用机器人
about-quota = 设置某人每天可以发多少张照片
about-stats = 画了多少，还有多少在等待
about-user = Discord 上的某人
about-user-id = 任一平台上的某人的编号，例如 telegram:1234
about-photos = 每天的张数；0 表示不限

# 网页的各个部分

web-tab-chat = 对话
web-tab-single = 单张
web-tab-batch = 批量
web-tab-settings = 设置
web-photo = 照片
web-photos = 照片
web-style = 风格
web-style-line = { $name }：{ $description }
web-strength = 强度
web-strength-hint = 0.3 轻微滤镜，0.5 初具卡通感，0.7 自然，0.9 强烈，1 完全按风格绘制
web-size = 尺寸
web-size-hint = 最长边的像素数
web-format = 文件格式
web-faces = 精细处理
web-faces-all = 所有人脸
web-faces-main = 最大的人脸
web-draw = 开始画
web-draw-all = 全部开始画
web-compare = 比较强度
web-before-after = 照片与卡通：拖动中线比较
web-sheet = 不同强度
web-download-cartoon = 下载卡通画
web-zip = 打包下载（ZIP）
web-language = 语言
web-language-auto = 跟随浏览器
web-language-en = English
web-language-zh-CN = 中文
web-keep = 保存
no-photo = 请先选一张照片。
batch-too-large = 这里有 { $given } 张照片，我一次最多画 { $most } 张。请先移走一些，稍后再画。
web-tagline = 把你的照片画成卡通。
web-you = 你
web-chat = 对话
web-download = 下载 { $name }
web-empty-chat = 发一张照片给我
web-empty-chat-hint = 把照片拖到下面，按回车，卡通画就会出现在这里。/help 列出我会的一切。
web-empty-single = 一张照片，随心调整
web-empty-single-hint = 选一张照片、一种风格和强度，卡通画会出现在这里，与照片并排。
web-try = 用这张照片试一试
web-settings-hint = 「对话」「单张」和「批量」都从这些设置开始。它们只为这个浏览器保留。
web-example = 一张照片和旁边的卡通画
web-empty-batch = 一次画很多张
web-empty-batch-hint = 选好照片和风格，它们会一张接一张画好，最后可以打包成一个 ZIP 下载。
web-state-waiting = 等待中
web-state-drawing = 正在画
web-state-done = 画好了
web-state-failed = 没画成
web-state-cancelled = 已取消
web-progress-label = 已画好的照片
web-progress =
    已完成 { $done }/{ $photos }{ $ahead ->
        [0] {""}
       *[other] {" · "}前面还有 { $ahead } 张
    }{ $unit ->
        [seconds] {" · "}大约还要 { $wait } 秒
        [minutes] {" · "}大约还要 { $wait } 分钟
       *[none] {""}
    }
web-over =
    { $done ->
        [0] {""}
        [one] 你的卡通画好了。
       *[other] 你的 { $done } 张卡通画好了。
    }{ $failed ->
        [0] {""}
       *[other] 有 { $failed } 张没画成，原因见下。
    }{ $cancelled ->
        [0] {""}
       *[other] 取消了 { $cancelled } 张；要画的话请重新选择。
    }
web-about-model = 风格
web-about-device = 运算设备
web-about-version = 版本
web-about-waiting =
    { $photos ->
        [0] 没有人在等
       *[other] { $photos } 张照片在排队
    }
web-file-gone = 这个文件已经不在了，或者不属于你。请重新画一次这张照片。
web-about-queue = 排队

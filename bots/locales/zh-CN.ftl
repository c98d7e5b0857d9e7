# 聊天里人们读到的句子。花括号里的值会被填上，请保留。

welcome =
    你好！发给我一张照片，或一组照片（最多 { $most } 张），我会把它们画成卡通。

    想淡一些就发 /style 0.5，想浓一些就发 /style 0.9。/help 列出所有用法。
help =
    发来一张照片或一组照片（最多 { $most } 张），你会收到卡通图。以文件形式发送可保留全部细节。

    /style 0.8 – 强度，{ $weakest } 到 { $strongest }
    /size 1024 – 最长边像素，{ $smallest } 到 { $largest }
    /format png – 文件格式：{ $formats }
    /faces main – 只精细处理最大的人脸；/faces all – 所有人脸
    /settings – 当前设置
    /cancel – 取消还没画的照片
    /forget – 删除你在这里的照片、请求和设置

    风格：
    { $styles }

    在照片说明里写 "0.9" 或 "ink 0.9"，只对这一张或这一组有效。
settings =
    你的设置：
    风格：{ $style }（/style）
    强度：{ $strength }（/style 0.8）
    尺寸：{ $size } 像素（/size）
    格式：{ $format }（/format）
    精细处理：{ $faces ->
        [main] 最大的人脸
       *[all] 所有人脸
    }（/faces）
kept =
    已记住：{ $style }，强度 { $strength }，{ $size } 像素，{ $format }{ $faces ->
        [main] ，只精细处理最大的人脸
       *[all] ，精细处理所有人脸
    }。
size-now = 你的尺寸是 { $size } 像素。例如发送 /size 1024；可选 { $smallest } 到 { $largest }。
format-now = 你的格式是 { $format }。例如发送 /format png；可选 { $formats }。
faces-now =
    { $faces ->
        [main] 现在只精细处理最大的人脸。发送 /faces all 可改为所有人脸。
       *[all] 现在精细处理所有人脸。发送 /faces main 可改为只处理最大的一张。
    }
style-gone = 风格“{ $style }”已不在这里，所以我用 { $instead } 来画。发送 /style 查看现有风格。
style-now =
    你的风格是 { $style }，强度 { $strength }。例如发送 /style 0.8 或 /style { $style } 0.8。

    风格：
    { $styles }
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
unknown-command = 我不认识 { $command }。发送 /help 查看我会做什么。
send-a-photo = 请发给我一张照片，我会把它画成卡通。发送 /help 查看我会做什么。
cancelled =
    { $photos ->
        [0] 你没有在等待的照片。
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

# 管理者读到的句子

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
    收到 { $photos } 张照片：{ $style } { $strength }，{ $size } 像素，{ $format }。{ $ahead ->
        [0] 现在就画。
       *[other] 前面还有 { $ahead } 张。
    }{ $unit ->
        [seconds] 大约需要 { $wait } 秒。
        [minutes] 大约需要 { $wait } 分钟。
       *[none] {""}
    }
done =
    { $photos ->
        [1] 你的卡通画好了。
       *[other] 你的 { $photos } 张卡通画好了。
    }
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
not-invited = 这是私人机器人。管理者可以用这个命令让你加入：/allow { $person }
blocked = 机器人的管理者不允许你使用，所以我不能收你的照片。
storage-unwritable = 我这里暂时存不下东西，所以没有办成。请过几分钟再发一次。

# 网页

web-label = 卡通机器人
web-entry = 你的消息
web-hint = 把照片拖到这里，或输入 /style 0.8 这样的命令，然后按回车。

# Telegram 的命令菜单

menu-style = 风格和强度，例如 /style 0.8
menu-size = 最长边像素，例如 /size 1024
menu-format = 文件格式：jpg、png 或 webp
menu-faces = 精细处理所有人脸（all）或只处理最大的（main）
menu-settings = 当前设置
menu-cancel = 取消还没画的照片
menu-forget = 删除我的照片、请求和设置
menu-help = 使用说明

# What people read in chats. Values in braces are filled in; keep them.

welcome =
    Hello! Send me a photo, or an album of up to { $most }, and I will redraw it as a cartoon.

    Try /style 0.5 for a gentler cartoon or /style 0.9 for a bolder one, /style for other looks, /settings for all you can choose. /help lists everything.
help =
    Send a photo or an album (up to { $most }) and you get cartoons back. Send pictures as files to keep all their detail. Buttons under each result redraw it stronger, gentler or in another style.

    /style 0.8 – how strong, { $weakest } to { $strongest }
    /size 1024 – longest side in pixels, { $smallest } to { $largest }
    /format png – file format: { $formats }
    /faces main – special care for the largest face only; /faces all – for all faces
    /deliver zip – how results come: photo, file, zip or auto
    /settings – all of these, with buttons
    /compare – your last photo at several strengths; /compare styles – in all styles
    /queue – when your photos will be done
    /cancel – call off your photos that are not drawn yet
    /language en – the language I speak: en, zh-CN or auto
    /privacy – what I keep, and for how long
    /forget – delete your photos, requests and settings here
    In groups: answer a photo with /cartoon, or name me in its caption. /auto on – draw every photo (administrators of the group)

    Styles:
    { $styles }

    A caption such as "0.9", "ink 0.9" or "/size 2048" changes one photo or album only.
help-discord =
    Use /cartoon with a photo, or /batch for up to { $most }, and you get cartoons back. Or send me photos in a direct message, or mention me in a message with photos. To draw somebody else's picture: hold or right-click the message, then Apps, Cartoonize. Buttons under each result redraw it stronger, gentler or in another style.

    /style 0.8 – how strong, { $weakest } to { $strongest }
    /size 1024 – longest side in pixels, { $smallest } to { $largest }
    /format png – file format: { $formats }
    /faces main – special care for the largest face only; /faces all – for all faces
    /deliver zip – several results as one ZIP file; /deliver auto – as pictures
    /settings – all of these, with buttons
    /compare – a photo, or your last one, at several strengths or in all styles
    /queue – when your photos will be done
    /cancel – call off your photos that are not drawn yet
    /language en – the language I speak: en, zh-CN or auto
    /privacy – what I keep, and for how long
    /forget – delete your photos, requests and settings here

    Styles:
    { $styles }

    Words beside photos in a message, such as "0.9", "ink 0.9" or "/size 2048", change these photos only.
help-web =
    Drop photos (up to { $most }) into the box below, or paste them, and press Enter: you get cartoons back. Buttons under each result redraw it stronger, gentler or in another style. The tabs above draw one photo beside its cartoon, or many at once.

    /style 0.8 – how strong, { $weakest } to { $strongest }
    /size 1024 – longest side in pixels, { $smallest } to { $largest }
    /format png – file format: { $formats }
    /faces main – special care for the largest face only; /faces all – for all faces
    /deliver zip – several results as one ZIP file; /deliver auto – as pictures
    /settings – all of these, with buttons
    /compare – your last photo at several strengths; /compare styles – in all styles
    /queue – when your photos will be done
    /cancel – call off your photos that are not drawn yet
    /language en – the language I speak: en, zh-CN or auto
    /privacy – what I keep, and for how long
    /forget – delete your photos, cartoons, requests and settings here

    Styles:
    { $styles }

    Words sent with photos, such as "0.9", "ink 0.9" or "/size 2048", change these photos only.
settings =
    Your settings:
    Style: { $style } (/style)
    Strength: { $strength } (/style)
    Size: { $size } px (/size)
    Format: { $format } (/format)
    Special care for: { $faces ->
        [main] the largest face
       *[all] all faces
    } (/faces)
    Results come: { $deliver ->
        [photo] as pictures
        [file] as files
        [zip] as a ZIP file
       *[auto] { $platform ->
            [discord] as pictures
            [web] as pictures
           *[other] as pictures where that loses nothing, else as files
        }
    } (/deliver)
    Language: { $language ->
        [en] English
        [zh-CN] 中文
       *[auto] that of your app
    } (/language)
kept =
    Kept: { $style }, strength { $strength }, { $size } px, { $format }{ $faces ->
        [main] , special care for the largest face only
       *[all] , special care for all faces
    }.
page-size = Your size is { $size } px, the longest side of a cartoon. /size 1400 sets any number from 512 to 2048.
page-format = Your format is { $format }. PNG loses nothing and is large; JPG and WebP are small.
page-faces =
    { $faces ->
        [main] Only the largest face gets special care. /faces all changes it to all faces.
       *[all] All faces get special care. /faces main leaves it at the largest one.
    }
style-gone = The style "{ $style }" is no longer installed here, so I am drawing in { $instead }. /style lists what there is.
page-style = Your style is { $style } at strength { $strength }. Send for example /style 0.8 or /style { $style } 0.8.
page-strength =
    Your strength is { $strength }.
    0.3 is a light filter, 0.5 a first cartoon, 0.7 natural, 0.9 strong, and 1.0 the style untouched. /style 0.85 sets any number from 0.1 to 1.0.
page-deliver =
    { $deliver ->
        [photo] Results come as pictures.{ $platform ->
            [discord] {""}
            [web] {""}
           *[other] {" "}The chat may make large ones smaller.
        }
        [file] Results come as files, untouched.
        [zip] Several results come as one ZIP file, 01 to 20 in the order you sent them.
       *[auto] { $platform ->
            [discord] Results come as pictures.
            [web] Results come as pictures.
           *[other] Results come as pictures where that loses nothing, else as files.
        }
    } Possible are /deliver photo, file, zip and auto.
page-language =
    { $language ->
        [en] I speak English with you.
        [zh-CN] I speak Chinese with you.
       *[auto] I speak the language of your app with you.
    } Possible are /language en, zh-CN and auto.
setting-style = Style: { $value }
setting-strength = Strength: { $value }
setting-size = Size: { $value } px
setting-format = Format: { $value }
setting-faces = Faces: { $value }
setting-deliver = Results: { $value }
setting-language = Language: { $value }
faces-value =
    { $value ->
        [main] the largest
       *[all] all
    }
deliver-value =
    { $value ->
        [photo] pictures
        [file] files
        [zip] ZIP
       *[auto] automatic
    }
language-value =
    { $value ->
        [en] English
        [zh-CN] 中文
       *[auto] as my app
    }
kept-short = Kept.
look =
    { $sheet ->
        [before] { $style } { $strength } beside the photo
        [strengths] several strengths of { $style }
        [styles] all styles at strength { $strength }
       *[none] { $style } { $strength }, { $size } px, { $format }
    }
style-line = /style { $name } – { $description }
style-ink = flat colours under clean ink lines
style-sketch-ink = pencil-like lines and a pale wash on white paper
style-pop = few flat, lively colours and bold lines
style-anime = Japanese anime, faces redrawn
style-3d = like a figure of an animated film
style-handdrawn = hand-drawn, with warm colours
style-sketch = pencil portrait
style-artstyle = painted, like an illustration on paper
style-design = clean shapes, like an avatar drawn by a designer
style-illustration = soft, like a picture book
unknown-command-discord = I don't know { $command }, or only those who run this bot may use it. /help lists what I can do.
unknown-command = I don't know { $command }. /help lists what I can do.
photos-only = I can draw only pictures: send me a photo, or a picture as a file. /help lists what I can do.
photos-only-discord = I draw pictures: use /cartoon with a photo, or mention me in a message with photos. /help lists what I can do.
send-a-photo-discord = Please use /cartoon with a photo, or send me one in a direct message, and I will redraw it as a cartoon. /help lists what I can do.
send-a-photo = Please send me a photo and I will redraw it as a cartoon. /help lists what I can do.
cancelled =
    { $photos ->
        [0] Nothing of yours is waiting.
        [one] I called off your photo.
       *[other] I called off { $photos } photos.
    }
forgotten =
    { $photos ->
        [0] I had kept nothing of any photos of yours.
        [one] I deleted all that I had kept of your photo and its request.
       *[other] I deleted all that I had kept of your { $photos } photos and { $jobs ->
            [one] their request.
           *[other] their { $jobs } requests.
        }
    } { $settings ->
        [0] You had not set anything.
       *[other] I deleted your settings too.
    } All that stays is what an administrator decided about you (let in, shut out, a daily limit) and, until midnight UTC, how many photos you sent today.

# Buttons, and what pressing them says

button-cancel = Cancel
button-back = ‹ Back
button-all-settings = ‹ All settings
button-another-style = Another style
button-compare = Compare
button-before-after = Before / after
button-as-files = As files
button-delete = Delete
button-not-yours = These buttons are not yours. Send me a photo of your own!
button-too-old = I don't remember this one any more. Please send the photo again.
deleted = Deleted.
delete-not-allowed = I could not delete all of it here. You can delete the messages yourself.
delete-too-old = I could not delete this; chats allow it for two days only. You can delete it yourself.

# Commands that are about a photo, and groups

cartoon-what = Please send /cartoon as a reply to a photo, for example /cartoon ink 0.9. Or send me a photo with that as its caption.
compare-what = Please send me a photo first, or send /compare as a reply to one. /compare styles shows all styles.
compare-what-web = Please send me a photo first, or send /compare together with one. /compare styles shows all styles.
cartoon-what-web = Please send /cartoon together with a photo, for example /cartoon ink 0.9.
compare-what-discord = Please use /compare with a photo, or draw one with /cartoon first.
answered-without-picture = I see no picture in the message that you replied to. If there is one, hold or right-click that message, then Apps, Cartoonize.
message-without-picture = There is no picture in that message that I can draw. Links I do not follow; please choose a message with a picture attached.
cannot-attach = I may not send pictures to the channel where you asked. Please ask somebody who runs the server to allow me "Send Messages" and "Attach Files" there, or send me your photos in a direct message.
batch-title = Photos to draw
batch-photos = Photos
batch-photos-hint = 1 to 10 pictures
batch-more = More photos
batch-more-hint = Up to 10 more, if you like
privacy =
    Photos are drawn on the machine of whoever runs this bot and go nowhere else. A photo and its cartoon are deleted there as soon as you have the cartoon.

    What I keep: your settings; until midnight UTC, how many photos you sent today; and for { $days } days, who asked for what and when, the names of files, and the chat's own reference to each photo, so that the buttons under your results work. The pictures themselves stay with the chat.

    /forget deletes all of it now. A copy from before an update of this bot may stay a week longer.
privacy-web =
    Photos are drawn on the machine of whoever runs this page and go nowhere else. Photos, cartoons and what was said here are kept there for { $hours } hours, so that this browser can show them, and no other browser can.

    What I keep longer: your settings; until midnight UTC, how many photos you sent today; and for { $days } days, when this browser asked for what, and the names of files.

    /forget deletes all of it now. A copy of the database from before an update may stay a week longer.
auto-in-groups = /auto is for groups: there, an administrator can let me draw every photo. Here I draw every photo anyway.
auto-now =
    { $state ->
        [on] I draw every photo of this group. /auto off: only those I am asked for.
       *[off] I draw only the photos I am asked for (/cartoon in reply to one, or my name in its caption). /auto on: every photo. Only administrators of the group can change it.
    }
auto-not-allowed = Only an administrator of this group can change that. You can answer any photo with /cartoon.
auto-on =
    From now on I draw every photo sent here. /auto off ends it.{ $sees ->
        [no] {" "}But I cannot see them yet: make me an administrator of this group, or have whoever runs me send /setprivacy to @BotFather and choose Disable, then add me again.
       *[yes] {""}
    }
auto-off = From now on I draw only what I am asked for: answer a photo with /cartoon, or name me in its caption.

# What administrators read

allow-usage-discord = Please choose whom to let in as "user", or name them as "id", for example telegram:1234.
ban-usage-discord = Please choose whom to shut out as "user", or name them as "id", for example telegram:1234.
quota-usage-discord = Please choose somebody as "user", or name them as "id", for example telegram:1234, and how many photos a day they may send, up to { $most }. 0 lifts the limit.
banned-discord = { $person } is shut out now. /admin allow lets them in again.
allow-usage = Please send whom to let in, for example /allow telegram:1234 or /allow discord:5678. A number alone means this platform.
ban-usage = Please send whom to shut out, for example /ban telegram:1234 or /ban discord:5678. A number alone means this platform.
quota-usage = Please send a person and how many photos a day, a whole number up to { $most }: for example /quota telegram:1234 50. 0 lifts the limit.
allowed = { $person } may use this bot now.
banned = { $person } is shut out now. /allow { $person } lets them in again.
ban-admin = { $person } is an administrator, and nobody can shut out administrators from a chat. ADMIN_IDS in the settings says who they are.
quota-set =
    { $quota ->
        [0] { $person } may send as many photos a day as they like.
        [one] { $person } may send one photo a day.
       *[other] { $person } may send { $quota } photos a day.
    }
stats =
    Waiting photos: { $waiting }
    Since the start: drawn { $drawn }, failed { $failed }, hours up { $uptime_hours }
    Today (UTC): photos { $photos_today }, people { $people_today }
    In the spool: { $spool_megabytes } MB

# The way of a photo

queued =
    { $photos ->
        [one] Got your photo
       *[other] Got your { $photos } photos
    }: { $look }. { $ahead ->
        [0] I'm drawing now.
        [one] One photo comes first.
       *[other] { $ahead } photos come first.
    }{ $unit ->
        [seconds] {" "}It should take about { $wait } seconds.
        [minutes] {" "}It should take about { $wait ->
            [one] a minute.
           *[other] { $wait } minutes.
        }
       *[none] {""}
    }
drawing =
    Drawing your { $photos } photos: { $look }.
    { $bar } { $done }/{ $photos }{ $ahead ->
        [0] {""}
        [one] {" · "}one photo comes first
       *[other] {" · "}{ $ahead } photos come first
    }{ $unit ->
        [seconds] {" · "}about { $wait } seconds left
        [minutes] {" · "}about { $wait ->
            [one] a minute left
           *[other] { $wait } minutes left
        }
       *[none] {""}
    }
drawing-again = On its way: { $look }.
outlook =
    { $photos ->
        [0] Nothing of yours is waiting.
        [one] One photo of yours is on its way.
       *[other] { $photos } photos of yours are on their way.
    }{ $ahead ->
        [0] {""}
        [one] {" "}One photo comes first.
       *[other] {" "}{ $ahead } photos come first.
    }{ $unit ->
        [seconds] {" "}It should take about { $wait } seconds.
        [minutes] {" "}It should take about { $wait ->
            [one] a minute.
           *[other] { $wait } minutes.
        }
       *[none] {""}
    }
done =
    { $sheet ->
        [before] Before and after: { $style } { $strength }.
        [strengths] Several strengths of { $style }.
        [styles] All styles at strength { $strength }.
       *[none] { $photos ->
            [one] Here is your cartoon: { $style } { $strength }.
           *[other] Here are your { $photos } cartoons: { $style } { $strength }.
        }
    }
fitted =
    { $format ->
        [jpg] { $photos ->
            [one] One cartoon was too large for this chat, so it comes smaller.
           *[other] { $photos } cartoons were too large for this chat, so they come smaller.
        }
       *[other] { $photos ->
            [one] One cartoon was too large for this chat as { $format ->
                [webp] WebP
               *[png] PNG
            }, so it comes as JPG.
           *[other] { $photos } cartoons were too large for this chat as { $format ->
                [webp] WebP
               *[png] PNG
            }, so they come as JPG.
        }
    }
alt-text = { $name } as a cartoon: { $look }
alt-text-unnamed = A cartoon: { $look }
photo-failed-line = Photo { $number } ({ $name }): { $reason }
photos-failed-line = Photos { $first } to { $last }: { $reason }
photo-failed-only = { $name }: { $reason }
photo-name = photo
too-many-photos = I take { $most } photos at a time; the first { $most } are on their way. Please send the rest afterwards.
something-broke = Something went wrong on my side. Your settings are safe; please try again in a minute.

# Errors; the names are those of core/errors.py.

user-error = That did not work. Please try again, or send /help.
look-error = That is not one of the settings on offer. /help lists them.
photo-error = This photo cannot be used. Please send another one.
strength-out-of-range = "{ $given }" is not a strength I can use. Please send a number from { $low } to { $high }, for example /style 0.8.
size-out-of-range = "{ $given }" is not a size I can use. Please send a whole number from { $low } to { $high }, for example /size 1024.
unknown-style = There is no style "{ $given }". Please send a strength such as /style 0.8, or one of: { $choices }.
style-missing =
    The style "{ $style }" is not installed here. Whoever runs this bot can add it with this command:
    cartoonbot styles pull { $style }
    What is here: { $choices }
style-arriving = The style "{ $style }" is being downloaded ({ $percent } %). Please try again in a minute. Until then, one of these: { $choices }.
style-not-downloaded = The style "{ $style }" could not be downloaded just now. Ask for it once more and I will try again. What is here: { $choices }
style-damaged =
    the files of the style "{ $style }" are damaged here. Please send /style ink and the photo again. Whoever runs this bot can mend them with this command:
    cartoonbot styles pull { $style } --again
unknown-format = There is no format "{ $given }". Please send one of: { $choices }.
unknown-faces = "{ $given }" is not possible for faces. Please use one of: { $choices }.
unknown-delivery = "{ $given }" is not a way I can send results. Please use one of: { $choices }.
unknown-language = I don't speak "{ $given }" yet. Please use one of: { $choices }.
not-a-photo = this is not a picture I can read. Please send a JPEG, PNG, WebP, GIF or HEIC picture.
photo-empty = the file is empty. Please send it again.
photo-truncated = the picture is damaged or cut short. Please send it again.
photo-too-heavy = the file has { $megabytes } MB, and I can take up to { $limit } MB. Please send a smaller one.
photo-too-large = the picture has more than { $megapixels } million pixels, and I can take up to { $limit } million. Please make it smaller and send it again.
heic-unsupported = HEIC pictures cannot be read here. Please send it as JPEG.
photo-unavailable = I could not fetch it. Please send it again.
result-refused = the chat does not take the finished picture. Please try /format jpg or a smaller /size.
photo-failed = drawing it failed on my side. Please send it again later.
queue-full = So many photos are waiting ({ $waiting }) that I cannot take more right now. Please send yours again in a few minutes.
owner-queue-full = { $waiting } of your photos are still waiting, and { $limit } is the most I keep for one person. Please send these again when some are done.
quota-reached =
    { $limit ->
        [one] Your photo for today is used up.
       *[other] Your { $limit } photos for today are used up.
    } Please send more tomorrow (from midnight UTC).
not-invited =
    This bot is private. Whoever runs it can let you in with this command: { $platform ->
        [discord] /admin allow id: { $person }
       *[other] /allow { $person }
    }
blocked = Whoever runs this bot has shut you out, so I cannot help you. If you think that is a mistake, please ask them. /forget deletes what I keep of you.
storage-unwritable = I cannot store anything right now, so this was not done. Please send it again in a few minutes.

# The web page

web-label = Cartoonbot
web-entry = Your message
web-hint = Drop photos here, or type a command such as /style 0.8, and press Enter.

# Telegram's command menu; Discord shows some of it, too

menu-style = Style and strength, e.g. /style 0.8
menu-size = Longest side in pixels, e.g. /size 1024
menu-format = File format: jpg, png or webp
menu-faces = Special care for all faces, or main: the largest
menu-settings = What is set now
menu-cancel = Call off photos that are not drawn yet
menu-forget = Delete my photos, requests and settings
menu-help = How to use this bot
menu-deliver = How results come: photo, file, zip or auto
menu-language = The language I speak: en, zh-CN or auto
menu-compare = Your last photo at several strengths
menu-queue = When your photos will be done
menu-privacy = What I keep, and for how long
menu-cartoon = In reply to a photo: draw it, e.g. /cartoon ink 0.9
menu-auto = Draw every photo of this group: /auto on

# Discord's commands and their options: names are short, in small letters and without spaces

command-cartoon = cartoon
command-batch = batch
command-draw-message = Cartoonize
command-compare = compare
command-style = style
command-size = size
command-format = format
command-faces = faces
command-deliver = deliver
command-language = language
command-settings = settings
command-queue = queue
command-cancel = cancel
command-forget = forget
command-privacy = privacy
command-help = help
option-photo = photo
option-strength = strength
option-style = style
option-size = size
option-kind = kind
option-value = value
option-user = user
option-user-id = id
option-photos = photos
choice-strengths = several strengths
choice-styles = all styles
choice-style = { $name } – { $description }
about-cartoon = Draw a photo as a cartoon
about-batch = Draw up to { $most } photos; you choose them in the next step
about-compare = See a photo at several strengths or in all styles, side by side
about-photo = The photo to draw
about-compared-photo = The photo to compare; your last one if you give none
about-kind = What to compare; several strengths if you choose nothing
about-strength = 0.3 a light filter, 0.5 a first cartoon, 0.7 natural, 0.9 strong, 1 the style untouched
about-style = One of the styles on offer here; the one you have set if you give none
about-size = Longest side in pixels; the size you have set if you give none
about-style-value = A strength, a style or both: 0.8, ink or ink 0.8
about-size-value = Longest side in pixels, 512 to 2048
about-choice = One of these; without it you see what is set
about-admin = For those who run this bot
about-allow = Let somebody use this bot
about-ban = Shut somebody out
about-quota = Set how many photos a day somebody may send
about-stats = How much was drawn, and what is waiting
about-user = Somebody on Discord
about-user-id = Somebody on any platform by their number, e.g. telegram:1234
about-photos = Photos a day; 0 lifts the limit

# The door of the web app

web-login-hint = Turns your photos into cartoons. Please type the password of this page; whoever runs it can tell you.
web-login-label = Password
web-login-button = Come in
web-login-wrong = This password is not right. Please try it again.
web-login-wait = There were too many wrong passwords. Please wait a minute and try again.
web-login-needed = This needs the password of the page. Please open the page and type it, or log in at /login.
web-other-site = This page answers its own visitors only. Please open its own address and try again there.
web-unknown-host = This page is for the machine it runs on, at http://127.0.0.1 or http://localhost. To show it under another name, whoever runs it sets WEB_PASSWORD, or WEB_OPEN=1 to let in everybody.
web-not-found = There is nothing at this address. Please open the page again.
web-not-understood = I could not understand this request. Please reload the page and try again.
web-file-missing = This file is not here, or not here any more. Please choose your photo again.
web-request-heavy = This is too long for me. Please shorten it and send it again.
web-upload-heavy = This file is too heavy: I can take up to { $limit } MB. Please choose a smaller one.
web-upload-many = I can take up to { $most } files at once. Please choose fewer and send the rest afterwards.
web-upload-broken = The files did not arrive whole. Please send them again.

# The web page's own parts

web-tab-chat = Chat
web-tab-single = Single
web-tab-batch = Batch
web-tab-settings = Settings
web-photo = Photo
web-photos = Photos
web-style = Style
web-style-line = { $name } – { $description }
web-strength = Strength
web-strength-hint = 0.3 a light filter, 0.5 a first cartoon, 0.7 natural, 0.9 strong, 1 the style untouched
web-size = Size
web-size-hint = Longest side in pixels
web-format = File format
web-faces = Special care for
web-faces-all = all faces
web-faces-main = the largest face
web-draw = Draw
web-draw-all = Draw all
web-compare = Compare strengths
web-before-after = Photo and cartoon: drag the line
web-sheet = Several strengths
web-download-cartoon = Download the cartoon
web-zip = Download all as ZIP
web-language = Language
web-language-auto = as my browser
web-language-en = English
web-language-zh-CN = 中文
web-keep = Save
no-photo = Please choose a photo first.
batch-too-large = These are { $given } photos, and I take up to { $most } at a time. Please remove some and draw them afterwards.
web-tagline = Turns your photos into cartoons.
web-you = You
web-chat = Conversation
web-download = Download { $name }
web-empty-chat = Send me a photo
web-empty-chat-hint = Drop photos below and press Enter; cartoons appear here. /help lists everything I can do.
web-empty-single = One photo, just as you like it
web-empty-single-hint = Choose a photo, a style and a strength. The cartoon appears here, beside the photo.
web-try = Try it with this photo
web-settings-hint = Chat, Single and Batch begin with these. They are kept for this browser.
web-example = A photo and, beside it, its cartoon
web-empty-batch = Many photos at once
web-empty-batch-hint = Choose photos and a style. They are drawn one after another, and you get all cartoons as one ZIP file.
web-state-waiting = Waiting
web-state-drawing = Drawing
web-state-done = Done
web-state-failed = Not drawn
web-state-cancelled = Cancelled
web-progress-label = Photos drawn
web-progress =
    { $done } of { $photos } done{ $ahead ->
        [0] {""}
        [one] {" · "}one photo comes first
       *[other] {" · "}{ $ahead } photos come first
    }{ $unit ->
        [seconds] {" · "}about { $wait } seconds left
        [minutes] {" · "}about { $wait ->
            [one] a minute left
           *[other] { $wait } minutes left
        }
       *[none] {""}
    }
web-over =
    { $done ->
        [0] {""}
        [one] Your cartoon is ready.
       *[other] Your { $done } cartoons are ready.
    }{ $failed ->
        [0] {""}
        [one] {" "}One photo could not be drawn; below is why.
       *[other] {" "}{ $failed } photos could not be drawn; below is why.
    }{ $cancelled ->
        [0] {""}
        [one] {" "}One was cancelled; choose it again to draw it.
       *[other] {" "}{ $cancelled } were cancelled; choose them again to draw them.
    }
web-about-model = Styles
web-about-device = Device
web-about-version = Version
web-about-waiting =
    { $photos ->
        [0] nobody is waiting
        [one] one photo is waiting
       *[other] { $photos } photos are waiting
    }
web-file-gone = This file is not here any more, or it is somebody else's. Please draw the photo again.
web-about-queue = Queue

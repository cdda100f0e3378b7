"""Words for prompts that ask for nothing this checkpoint can do: the answer to all of them is the picture unchanged.

Data only. Near misses are on purpose: they share verbs and shapes of sentence with what is offered.
"""

THINGS = (
    "dog|cat|bird|tree|house|car|boat|flower|child|man|woman|hat|chair|table|cloud|mountain|river|bridge|road|window|"
    "door|apple|cake|book|lamp|horse|cow|fish|bicycle|bus|train|plane|ball|cup|bottle|clock|phone|computer|dragon|robot|"
    "castle|king|queen|ghost|rainbow|star|moon|rocket|snowman|sheep|tiger|lion|monkey|rabbit|mouse|guitar|piano|shoe|"
    "shirt|beard|mustache|smile|crown|sword|umbrella|balloon|garden|beach|forest|city|street|wall|fence|bench|text|"
    "logo|watermark|people|person|crowd|building|tower|kite|butterfly|bee|frog|duck|chicken|pizza|banana|orange juice"
).split("|")
PLACES = "on the left|on the right|in the background|in the corner|next to the man|on the table|in the sky|at the top|under the tree|behind her|in front|in the middle".split(
    "|"
)
ADDING = "add a|add|put a|insert a|draw a|place a|give me a|show a|i want a|make a".split("|")
#: {t}, {u} things, {p} a place, {w} a wrong adjective, {o}, {stray} a frame's colour, {degrees} as in the families' words
FRAMES = (
    "remove the {t}|delete the {t}|replace the {t} with a {u}|erase the {t}|turn the {t} into a {u}|move the {t} {p}|"
    "make the {t} a {u}|change the {t} to a {u}|get rid of the {t}|take out the {t}|where is the {t}|turn {o} into a {t}|"
    "{t} filter|a {t} and a {u}|{t}|the {t}|make the {t} {w}|apply a {t} effect|convert {o} to {t}|put a {t} on the {u}|"
    "where can i find a {t}|who has the {t}|what did the {t} do|did you see that {t}|why does the {t} have a {u}|"
    "when will the {t} come|which {t} is yours|my {t} likes the {u}|the {t} of the {u} is {w}|take the {t} off the {u}"
).split("|")
WRONG_ADJECTIVES = (
    "purple|pink|green|red|violet|magenta|turquoise green|bigger|smaller|larger|wider|taller|shorter|longer|animated|cropped|"
    "beautiful|ugly|funny|happy|sad|scary|round|square|rainy|snowy|stormy|wet|dry|clean|dirty|cartoonish|realistic|"
    "transparent|crooked|tilted|straight|stretched|fast|slow|loud|quiet|expensive|cheap|famous|delicious|"
    "three dimensional|professional|perfect|better|worse|cute|pretty|modern|futuristic|metallic|wooden|furry|hairy|fat|thin|"
    "strong|clever|hungry|tired|rich|polka dotted|striped|symmetrical|abstract|noisy|grainy|empty|full|nice|good|cool looking robot|"
    "watercolored|glossy|shiny|cropped square|panoramic|windy|sunny and green|crowded|snow covered|flooded|translated"
).split("|")
WRONG_NOUNS = (
    "cartoon|anime|manga|comic|comic book|watercolor|watercolour|watercolor painting|stained glass|3d|origami|cyberpunk|steampunk|"
    "disney|pixar|ghibli|clay|snowy|rainy|purple|pink|green|red|turquoise|autumn|spring|neon|glitch|vhs|fisheye|panorama|"
    "tilt-shift|infrared|x-ray|thermal|double exposure|lens flare|vignette|beauty|makeup|rainbow|fire|underwater|space|"
    "zombie|vampire|baby|superhero|passport|wedding|sticker|emoji|hologram|marble|wooden|knitted|graffiti|embroidery|kids"
).split("|")
WRONG_AMOUNTS = (
    "the noise|noise|the resolution|resolution|the size|the grain|grain|the film grain|snow|rain|the rain|the quality|"
    "the volume|the speed|the price|the number of people|the height|the width|the depth of field|texture|the angle|"
    "the distance|the padding|people|trees|flowers|clouds|the number of trees|the vignette|the pink|the green|the purple|"
    "the perspective|the lens flare|the bokeh|the age of the man|the weight|the smile|makeup|the aspect ratio|the frame rate"
).split("|")
WRONG_COMMANDS = (
    "crop {o}|crop {o} to a square|crop out the man|zoom out|zoom out on {o}|blur the background|blur the face|sharpen the eyes only|"
    "resize {o}|resize {o} to 512 pixels|upscale {o}|upscale {o} four times|denoise {o}|remove the background|change the background|"
    "make the background a beach|make the background white|a different background|cut {o} in half|tilt {o}|straighten {o}|"
    "rotate {o} by {degrees} degrees|rotate {o} {degrees} degrees|turn {o} {degrees} degrees to the left|turn {o} by {degrees}°|"
    "rotate the {t}|flip the {t}|mirror the {t}|rotate the {t} to the left|zoom in on the {t}|tilt {o} to the right|"
    "add a {stray} frame|add a {stray} border|put a {stray} border around {o}|{stray} frame|{stray} border|a {stray} frame|give {o} a {stray} frame|"
    "frame {o} in {stray}|remove the frame|remove the border|delete the frame|take the border off|no frame|round the corners|"
    "make the window frame red|paint the door {w}|write hello on the wall|write my name|write hello on the sign|add text|"
    "make him smile|make her smile|open his eyes|change his hair|give him a beard|make them dance|let them run|"
    "turn {o} into a cartoon|cartoon style|cartoonize {o}|make {o} a cartoon|comic style|anime style|make {o} anime|turn {o} into anime|manga style|"
    "disney style|pixar style|ghibli style|watercolor|watercolour|watercolor painting|make {o} a watercolor|turn {o} into a watercolour painting|"
    "stained glass|origami|clay style|cyberpunk style|draw a circle|draw a {t}|paint a house|paint a {t}|sketch a {t}|make it snow|make it rain|"
    "add rain|add snow|let it snow|a snowy day|add fireworks|add stars|add a sun|add clouds|remove the clouds|remove the fog|clear the mist|dehaze {o}|"
    "move the man to the left|move {o} up|move {o} to the right|shift {o} left|stretch {o}|scroll left|go left|turn left here|"
    "translate the sign|fix the face|remove wrinkles|whiten the teeth|swap the faces|merge two pictures|swap the dog and the cat|"
    "colorize the eyes green|paint the car red|make the sky purple|make the sky green|make the grass pink|turn the dress green|make the {t} {w}|"
    "make {o} blue|turn {o} yellow|paint {o} orange|color {o} blue|make {o} white|make {o} all black|make the {t} blue|make the {t} yellow|make the {t} darker|"
    "change the color of the car|change the color of the {t}|replace the sky|make {o} a sticker|make {o} a stamp|animate {o}|make a video|"
    "describe {o}|what is in {o}|who is in {o}|tell me about {o}|save {o}|download {o}|print {o}|send {o} to mom|delete the man|"
    "compress {o}|add a caption|make {o} 3d|make a collage|change the season|make it spring|add lens flare|vignette|add a vignette|"
    "add noise|add grain|film grain|fisheye|swirl {o}|make {o} a circle|cut out the person|blend {o} with another|replace the {t} with the {u}|"
    "extend {o} to the left|outpaint {o}|fill in the missing part|remove the watermark|remove the text|remove the people"
).split("|")
SENTENCES = (
    "where can i buy a hat|did you see my keys|when did they leave|who took those chairs|which bus goes there|those are my friends|the weather is nice today|how are you|what time is it|hello|hello world|good morning|good night|my name is anna|"
    "i went to the market yesterday|she sells sea shells|where is the station|i love pizza|the cat sat on the mat|"
    "tell me a joke|what is the capital of france|two plus two is four|we are going home|it rains a lot here|"
    "the train leaves at nine|he plays football every sunday|can you help me|thank you very much|see you tomorrow|"
    "this is a test|testing|lorem ipsum dolor sit amet|once upon a time there was a king|happy birthday|who are you|"
    "i have two brothers|the book is on the table|dinner is ready|please call me back|open the door|close the window|"
    "what a day|i am hungry|the soup is hot|my coffee is cold|birds can fly|buy milk and bread|turn left at the corner|"
    "how much does it cost|i do not know|yes|no|maybe|okay|sure|ok|why|what|stop|go|next|cancel|help|undo|untitled|photo|picture|"
    "a photo of a man|a picture of a dog|a horse on the beach|an astronaut riding a horse|portrait of a woman|a house by a lake|"
    "mountains and a river|a bowl of fruit|a small village in spring|two people walking|a red car|the green door|"
    "pizza recipe|football results|the stock market fell today|our team won the game|the meeting is at three|write a poem|"
    "translate this to german|solve the equation|the mouse ran up the clock|you are very kind|this tastes good|i read the news|"
    "wie geht es dir|das wetter ist schön|bonjour tout le monde|je ne sais pas|hola que tal|buenos dias|guten morgen|merci"
).split("|")
WORDS = (
    "time year people way day man thing woman life child world school state family student group country problem hand part "
    "place case week company system program question work government number night point home water room mother area money "
    "story fact month lot right study book eye job word business issue side kind head house service friend father power hour "
    "game line end member law car city community name president team minute idea kid body information back parent face others "
    "level office door health person art war history party result change morning reason research girl guy moment air teacher "
    "force education foot boy age policy music market sense nation plan college interest death experience effect use class "
    "run walk eat sleep read think know take see come want look find tell ask seem feel try leave call need become begin "
    "show hear play move live believe hold bring happen write provide sit stand lose pay meet include continue set learn lead "
    "understand watch follow stop create speak allow add spend grow open win offer remember love consider appear buy wait "
    "serve die send expect build stay fall cut reach kill remain potato engine window silver metal winter summer kitchen "
    "quickly slowly never always often perhaps together seven eleven thousand the a an of in on at for with and or but"
).split()

ZH_THINGS = (
    "狗|猫|鸟|树|房子|汽车|船|花|小孩|男人|女人|帽子|椅子|桌子|云|山|河|桥|路|窗户|门|苹果|蛋糕|书|台灯|马|牛|鱼|自行车|火车|飞机|球|"
    "杯子|瓶子|钟|手机|电脑|龙|机器人|城堡|国王|彩虹|星星|月亮|火箭|雪人|羊|老虎|狮子|猴子|兔子|吉他|钢琴|鞋子|衬衫|胡子|王冠|雨伞|气球|"
    "花园|海滩|森林|城市|墙|文字|水印|人|建筑|塔|风筝|蝴蝶|青蛙|鸭子|披萨|香蕉|眼镜|背景"
).split("|")
ZH_COMMANDS = (
    "加一只{t}|添加{t}|加上{t}|去掉{t}|删除{t}|移除{t}|把{t}去掉|换成{t}|把{t}换成{u}|把它变成{t}|画一只{t}|画一个{t}|在左边加{t}|在右边加一个{t}|"
    "把{t}移到左边|让{t}变小|给{t}加帽子|变成{t}|{t}|把{t}涂成紫色|把{t}变成绿色|让{t}跑起来|{t}在哪里|这是什么{t}|"
    "{t}的照片|一张{t}的图片|我喜欢{t}|他有一只{t}|{t}和{u}|{t}很好看|{t}在{u}里|在{t}上加一只{u}|在{t}旁边放{u}|给{t}戴上{u}|在{t}上画{u}|把{t}上的{u}去掉|让{t}拿着{u}|{t}效果|{t}滤镜|{t}风格|变成{t}的样子|"
    "给{t}加一个相框画上{u}|把{t}旋转{degrees}度|旋转{degrees}度|把图片旋转{degrees}度|转{degrees}度|加{stray}边框|加一个{stray}边框|加{stray}相框|{stray}边框|给照片加{stray}边框|"
    "给{t}换个颜色|把{t}涂成红色|把{t}变成蓝色|把{t}变黄|把{t}调亮|让{t}变暗|把{t}模糊掉|把{t}翻转|镜头对准{t}|画一幅{t}的画|在{t}后面加雪|让{t}站起来|把{t}裁掉|只保留{t}|"
    "去掉{t}，换成{u}|把{t}和{u}对调|数一数有几个{t}"
).split("|")
ZH_SENTENCES = (
    "今天天气很好|你好|你好吗|我爱吃苹果|现在几点|他去北京了|谢谢你|早上好|晚上好|生日快乐|我叫小明|明天见|你是谁|这本书很有意思|我们去吃饭吧|"
    "外面下雨了|火车九点开|他每天跑步|一加一等于二|讲个笑话|法国的首都是哪里|春天来了|我不知道|是的|不是|好的|为什么|什么|停|测试|随便|"
    "裁剪|缩小|模糊背景|换背景|把背景换成海滩|写上你好|让他笑|变成卡通|"
    "动漫风格|水彩画|下雪|下雨|变成紫色|变成绿色|变成粉色|变成红色|把天空变成紫色|把车涂成红色|把衣服换成绿色|"
    "增加噪点|提高分辨率|变大一点|变小一点|变高|变胖|变瘦|变漂亮|美颜|磨皮|瘦脸|去水印|"
    "去除背景|变成冬天的雪景|加字幕|拼图|描述这张照片|图里有什么|这是谁|保存|下载|打印|发给妈妈|翻译|写一首诗|"
    "股票今天跌了|球队赢了|会议三点开始|我在学习中文|床前明月光|举头望明月|人山人海|一只猫坐在桌子上|两个人在走路|湖边的房子|骑马的宇航员|"
    "山和河|一碗水果|多少钱|请问车站在哪里|我饿了|汤很好喝|他是老师|妈妈在做饭|学校放假了|电影很好看|快一点|慢一点|大一点|小一点|高一点|低一点|"
    "好看一点|多一点人|少一点人|远一点|便宜一点|把声音调大|把音量调低|把空调打开|打开窗户|关门|速度快一点|"
    "旋转一点角度|倾斜|拉直|裁成正方形|裁剪图片|改尺寸|调整大小|缩小图片|拉远|镜头拉远|去掉边框|去边框|删除相框|不要边框|去雾|去掉雾气|加雨|加雪|让天下雪|变成下雨天|加星星|加月亮|加文字|"
    "在招牌上写字|变成动漫|变成动画片|卡通风格|卡通化|漫画风格|水彩风格|水彩|变成水彩画|水墨画|国画风格|赛博朋克风格|吉卜力风格|迪士尼风格|剪纸|黏土风格|变成3D|加暗角|暗角|加噪点|加颗粒|"
    "胶片颗粒|鱼眼效果|圆角|换季节|变成春天|变成秋天|变成蓝色|变成黄色|变成橙色|变成白色|变成全黑|染成红色|把图片涂成蓝色|把天空变绿|把草变成粉色|把窗框涂成红色|模糊人脸|只锐化眼睛|"
    "向左移动|往右移|向左走|左边有什么|往前走三步|上面写着什么|下面是什么|扩展画面|补全图片|去掉路人|把人去掉|去文字|换脸|换头发|戴眼镜|加胡子|生成视频|抠图|高清放大四倍|提升画质"
).split("|")
ZH_WRONG_ADJECTIVES = (
    "大|小|高|矮|胖|瘦|长|短|宽|窄|漂亮|好看|丑|可爱|高兴|难过|干净|脏|贵|便宜|快|慢|圆|方|红|绿|紫|粉|年轻|热闹|安静|空|满|真实|现代|高级|"
    "专业|完美|有趣|可怕|湿|硬|重|轻|聪明|帅|美|性感|卡通|立体|透明|对称"
).split("|")
ZH_WRONG_AMOUNTS = (
    "噪点|分辨率|尺寸|大小|人数|颗粒|画质|像素数|音量|速度|价格|长度|宽度|高度|角度|距离|景深|暗角|雨|雪|云|树|花|文字|妆容|笑容|美颜|绿色|紫色|"
    "粉色|红色|帧率|重量|人|纹理|压缩率"
).split("|")
ZH_WRONG_NOUNS = (
    "卡通|动漫|漫画|水彩|水彩画|水墨|水墨画|国画|剪纸|赛博朋克|蒸汽朋克|3D|雪景|雨天|春天|秋天|紫色|粉色|绿色|红色|橙色|霓虹|故障|鱼眼|全景|"
    "热成像|X光|黏土|吉卜力|迪士尼|皮克斯|美颜|暗角|彩虹|火焰|水下|太空|僵尸|婴儿|证件照|贴纸|表情包|大理石|木头|刺绣|涂鸦|移轴|双重曝光|视频"
).split("|")
ZH_CHARACTERS = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都然没日于起还"
    "发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话"
    "儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市"
    "眼体别处总才场师书比住员九笑性通目华报立马命张活难神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任"
)

"""English words of the tonal families: light, colour, hour and weather. Data only; frames and slots are in `english`.

A word that a user might choose should stand here at least once: the text encoder learns from nothing, so it knows no
synonym that it never saw. A strength ("slightly brighter") has here only what its degree and its family do not make.
"""

from training.phrases import Words, words

TONES: dict[str, Words] = {
    "bw": words(
        adjectives="black and white|black and white|black and white|black & white|black-and-white|b&w|b/w|bw|grayscale|greyscale|"
        "gray|grey|monochrome|monochromatic|colorless|colourless|desaturated|gray scale|grey scale|fully desaturated",
        nouns="black and white|black and white|black & white|black-and-white|b&w|grayscale|greyscale|monochrome|bw|gray|grey|noir|film noir",
        phrases="desaturate {o}|desaturate {o}|remove the color|remove the colors|remove all color|remove all colour from {o}|"
        "take the color out|take the color out of {o}|take out all the colors|strip the color|strip the colors away|"
        "drop the color|drop all colors|get rid of the color|get rid of all colors|no color|no colors|without color|"
        "without any colour|delete the color|kill the colors|lose the color|take the colors away|take away the color|take away all color from {o}|discard the colors|zero saturation|"
        "set saturation to zero|drain the color from {o}|only gray tones|only shades of gray|shades of grey|"
        "use only black and white|only black and white|{o} without color|gray tones only|remove the saturation completely|"
        "turn off the color|convert to shades of grey|make the colors disappear|i do not want any color|wash out all color|"
        "black white|grey it out|gray out {o}|like an old black and white movie|black and white like an old film|"
        "no colour, just black and white",
    ),
    "invert": words(
        adjectives="inverted|inverted|negative|color inverted|inverse|reversed in color|a negative|a color negative",
        nouns="negative|negative|film negative|inverted color|color negative|inverse color|inverted|photo negative|"
        "inverted colors|invert|color inversion|opposite color|reversed color|colour inversion|colour reversal|color reversal",
        phrases="invert {o}|invert {o}|invert|invert the colors|invert the colors|invert the colours|invert colors|invert all colors|"
        "invert all the colours|reverse the colors|reverse the colours of {o}|flip the colors|flip the colours|negate {o}|"
        "negate the colors|swap the colors for their opposites|use opposite colors|opposite colors|complementary colors|"
        "use complementary colors|swap light and dark|swap dark and light|like a film negative|make {o} look like a negative|"
        "turn {o} into its negative|replace each color with its opposite|color inversion|invert the color {of}|reverse colors|"
        "inverted colors|inverse colors|inverse the colors|show the negative {of}|negative|reversal of colors|"
        "replace colors by their complement|inversion|do a color inversion|reversal|do a colour reversal|a reversal of all colours|colors in reverse|white becomes black and black becomes white|"
        "turn white into black and black into white|dark becomes light and light becomes dark|switch to opposite colors|"
        "make every color its opposite|make the colors opposite|invert everything|make the colors inverted|flip all colours",
    ),
    "sepia": words(
        adjectives="sepia|sepia|sepia|sepia toned|sepia-toned|vintage|vintage brown|antique|brownish|retro|old-fashioned|aged|"
        "brown and vintage|yellowed|brown toned|nostalgic|old fashioned|old|old and faded|faded and old|ancient|old-timey|"
        "historic|like the old days|like old times|victorian|like an antique",
        nouns="sepia|sepia|sepia tone|vintage sepia|sepia brown|vintage|old sepia|antique|antique brown|retro brown|retro|"
        "brown tone|old-time|vintage brown|nostalgic|old brown|old-fashioned|old fashioned|aged|faded old|wild west|victorian|"
        "historic|turn of the century|heirloom|nostalgia",
        phrases="sepia tone|sepia toning|tone {o} sepia|tone {o} in sepia|make {o} look like an old photo|like an old photograph|"
        "make {o} look old|an old photo look|look like an antique photo|give {o} an old brown tone|make {o} look aged|"
        "age {o}|age the photo|brown vintage tone|old brown photo|old photo|vintage photo|retro photo|make {o} look vintage|"
        "make {o} look antique|make {o} look retro|old-timey|old timey look|sepia {o}|sepiatone|old west style|western sepia style|"
        "like grandma's old photo|like a photo from {year}|make {o} look like a photo from {year}|as if it was from {year}|"
        "it should look like it is from the old days|make {o} look a hundred years old|from the year {year}|like it was taken in {year}|"
        "make {o} look as if it is from {year}|a photograph from {year}|make {o} look like it was made in {year}|turn {o} into an old photo|"
        "as if taken a hundred years ago|yellowed old photograph|a nostalgic brown tint|brown tint|add a brown tint|vintage filter|"
        "old photo filter|give {o} an antique look|sepia colors|an aged photograph look|old photo effect|make {o} look like an antique|"
        "as if from {decade}|like a photo from {decade}|make {o} look like {decade}|a photo from {decade}|{decade} style|take {o} back to {decade}|"
        "as if it was taken in {decade}|as if taken in {year}|as it looked in {year}|bring {o} back to {year}|{year} style|an old picture from {year}|"
        "like in grandma's album|as if from grandma's album|like grandpa's photos|as if my grandmother had taken it|from my grandfather's album|"
        "like in the olden days|like in the old times|old times|give {o} an old-time look|from a time long ago|as if from long ago|"
        "from the last century|from another century|like a century ago|a hundred years ago|as if {o} had faded over the years|"
        "faded with age|like a faded old print|an old faded photograph|like an old postcard|like a vintage postcard|family heirloom look|"
        "make {o} older|make {o} look much older|age {o} by a century|make {o} a relic|like early photography|like a daguerreotype|brown like an old photo|browned with age|"
        "make {o} brown and old|old-fashioned photo|make {o} look old-fashioned|in the old style|make {o} look historical|"
        "from the time of my great-grandparents|like a museum photo|found in the attic",
    ),
    "brighter": words(
        adjectives="brighter|brighter|brighter|lighter|more bright|bright|less dark|better lit|more luminous|more illuminated|"
        "well lit|light|less gloomy|less dim|more exposed",
        nouns="brighter|bright|lighter|high key|well lit|more luminous",
        raised="brightness|the brightness|the brightness {of}|exposure|the exposure|the light|light|the lightness|"
        "the luminosity|the light level|the brightness level|the illumination|the lighting",
        lowered="the darkness|darkness|the shadows|the gloom|the dark",
        wrong="dark|dim|gloomy|underexposed",
        verbs="brighten {o}|brighten {o}|brighten {o} up|brighten up {o}|brighten|lighten {o}|lighten {o} up|lighten up {o}|"
        "lighten|light up {o}|light {o} up|illuminate {o}|turn the brightness up|turn the lights up|turn the exposure up|"
        "raise exposure|brightness up|exposure up|brightness higher|overexpose {o}|lift the shadows|"
        "lift the brightness|lift the brightness in {o}|lift the exposure|lift the light",
        phrases="not bright enough|{o} is not bright enough|more light|more light please|give {o} more light|add light|add some light|"
        "let in more light|shine more light on {o}|make the light stronger|i can't see anything, too dark|make {o} easier to see, it is dark|"
        "open up the shadows|so dark, fix it|increase how bright {o} is|bring {o} out of the dark|improve the brightness|"
        "fix the darkness|it is dim, brighten it|make {o} shine brighter|bring more light into {o}|turn on the light|"
        "fix the underexposed photo|switch the light on|add brightness",
    ),
    "slightly brighter": words(phrases="just a hint of light|a little more light|a bit more light please|brighten {o} up just a little"),
    "much brighter": words(phrases="lots of light|a lot more light|blindingly bright|full brightness|as bright as possible|maximum brightness"),
    "darker": words(
        adjectives="darker|darker|darker|dimmer|more dark|dark|less bright|dim|less light|moodier|gloomier|less exposed|"
        "more dim|gloomy|shadowy|more shadowy",
        nouns="darker|dark|dimmer|low key|dim|moody dark|gloomy",
        raised="the darkness|darkness|the shadows|the gloom|the dark",
        lowered="brightness|the brightness|the brightness {of}|exposure|the exposure|the light|light|the lightness|"
        "the luminosity|the light level|the brightness level|the illumination|the lighting",
        wrong="bright|light|overexposed",
        verbs="darken {o}|darken {o}|darken|darken {o} down|dim {o}|dim {o}|dim|dim the light|dim the lights|dim {o} down|"
        "turn the brightness down|turn the lights down|turn down the lights|turn the exposure down|lower exposure|"
        "brightness down|exposure down|shade {o}|underexpose {o}",
        phrases="fix the overexposed photo|less light|use less light|give {o} less light|remove some light|take away light|"
        "too much light|there is too much light|not dark enough|{o} is not dark enough|make the light weaker|block some light|"
        "add shadow|add shadows|too much brightness, fix it|so bright, fix it|make {o} less light|it hurts my eyes, too bright|"
        "tone {o} down to dark|{o} is washed out by light, darken it|switch the light off|turn off the light|add darkness",
    ),
    "slightly darker": words(phrases="just a hint of shadow|a little less light|a bit less light please|darken {o} just a little"),
    "much darker": words(phrases="a lot less light|pitch dark|almost black|as dark as possible|minimum brightness|nearly no light"),
    "warmer": words(
        adjectives="warmer|warmer|warmer|more warm|warm|less cold|warm toned|less blue|more golden|golden|more orange|more yellow|"
        "less cool|cozy and warm|sunnier|hotter|warm and golden|less bluish|cosier|less icy|more amber",
        nouns="warmer|warm|warm tone|warm color|warm light|golden|warm toned|warm orange|warm colour|amber|cozy",
        raised="the warmth|warmth|the color temperature|the colour temperature|the temperature|the warmth {of}|"
        "the warm tones|the warm colors|the temperature {of}|the golden tones|the yellow|the orange",
        lowered="the coolness|the coldness|coldness|the cool tones|the cold tones|the cold colors|the blue tones|the blue|"
        "the blues|coolness",
        wrong="cold|cool|blue|icy|bluish",
        verbs="warm {o}|warm {o} up|warm up {o}|warm up|warm up the colors|warm the tones|shift {o} to warm|make the light warmer|"
        "push {o} to warm tones|warm up the light|heat {o} up|heat up the colors|warm up the white balance",
        phrases="warm tones|warmer tones|warm colors|warmer colors|use warm tones|add warm light|warm light|add a golden glow|golden glow|"
        "add warm tones|add a warm tint|warm tint|not warm enough|shift the colors towards orange|make the tones warmer|"
        "make the colors warmer|make the white balance warmer|warmer white balance|give {o} a warm glow|a warm summer look|"
        "shift to warmer hues|warmer hues|warm hues|add an orange tint|a sunny warm mood|candle light mood|warm the photo|"
        "add warmth|add some warmth|put some warmth in|take the cold out|take the chill off|remove the cold|remove some blue|"
        "take out some blue|take the blue out|take the blue away|get rid of the blue tint|remove the blue cast|fix the blue cast|"
        "add some yellow|add some orange|add yellow tones|bring out the warm tones|like by the fireplace|a cozy feeling|a cosy mood",
    ),
    "slightly warmer": words(phrases="just a hint of warmth|a little warmth|a touch of warmth|a bit of warmth|a little more yellow"),
    "much warmer": words(phrases="a lot of warmth|burning hot colors|very hot tones|lots of warmth|as warm as possible"),
    "cooler": words(
        adjectives="cooler|cooler|cooler|colder|more cool|cool|cold|less warm|cool toned|bluer|more blue|icy|less yellow|"
        "less orange|more bluish|bluish|chilly|frosty|wintry|icier|less golden|less amber|chillier",
        nouns="cooler|cool|cold|cool tone|cold color|cool blue|cold tone|cool toned|icy blue|winter|cold blue|cool colour|arctic",
        raised="the coolness|the coldness|coldness|the cool tones|the cold tones|the cold colors|the blue tones|the blue|"
        "the blues|coolness",
        lowered="the warmth|warmth|the color temperature|the colour temperature|the temperature|the warmth {of}|"
        "the warm tones|the warm colors|the temperature {of}|the golden tones|the yellow|the orange",
        wrong="warm|yellow|orange|hot|golden",
        verbs="cool {o}|cool {o} down|cool down {o}|cool down|cool down the colors|cool the tones|shift {o} to cool|make the light colder|"
        "push {o} to cool tones|chill the colors|cool {o} off|cool off the colors|cool down the light|chill {o}|cool the white balance",
        phrases="cool tones|cooler tones|cold colors|cooler colors|cool colors|colder colors|use cool tones|add cold light|cold light|"
        "add a blue tint|blue tint|cool tint|not cool enough|shift the colors towards blue|make the tones cooler|make the colors cooler|"
        "make the colours colder|make the white balance cooler|cooler white balance|give {o} a cold look|like a cold winter day|"
        "a cold winter look|shift to cooler hues|cooler hues|cold hues|add a bluish tint|icy colors|a frosty mood|give {o} a blue tone|"
        "an icy look|make the colours cooler|take the warmth out|take the warmth away|take the warmth out of {o}|remove the warmth|"
        "get rid of the warmth|remove some yellow|take out some yellow|remove the yellow|take the yellow out|get rid of the yellow tint|"
        "remove the yellow cast|fix the orange cast|remove the orange tint|take out the orange|add some blue|add blue|add blue tones|"
        "bring out the blues|like in the arctic|make it feel cold|cool {o} down please",
    ),
    "slightly cooler": words(phrases="just a hint of blue|a little blue|a touch of blue|a bit of coolness|a little less yellow"),
    "much cooler": words(phrases="a lot of blue|freezing cold colors|ice cold|very cold tones|as cold as possible"),
    "contrast": words(
        adjectives="more contrasty|contrastier|contrasty|punchier|punchy|more contrasted|high contrast|high-contrast|higher contrast|higher in contrast|"
        "less flat|stronger in contrast|more dramatic|dramatic|bolder|with more contrast|more defined in contrast",
        nouns="high contrast|high contrast|high-contrast|hard contrast|more contrast|dramatic contrast|contrasty|punchy contrast|bold contrast",
        raised="contrast|the contrast|the contrast|contrast {of}|the contrast {of}|the punch|the dynamic range|the contrast level|tonal contrast|"
        "the difference between light and dark|the tonal range",
        lowered="the flatness|flatness",
        wrong="flat|low in contrast",
        verbs="contrast up|turn the contrast up|make the contrast stronger|make the contrast higher|strengthen the contrast|deepen the contrast|"
        "make the contrast bigger|expand the contrast|stretch the contrast|push the contrast|make the darks darker and the lights lighter|"
        "boost contrast|increase contrast|add contrast to {o}|sharpen the contrast",
        phrases="more contrast|higher contrast|more contrast please|stronger contrast|add contrast|add some contrast|contrast boost|contrast|"
        "give {o} more contrast|give {o} more punch|add punch|add some punch|make {o} pop|make {o} pop more|deeper blacks|deeper blacks and brighter whites|"
        "not enough contrast|{o} lacks contrast|{o} needs more contrast|{o} needs contrast|the contrast is too low|too little contrast|"
        "blacker blacks and whiter whites|separate light and dark more|darker shadows and brighter highlights|contrast higher|improve the contrast|"
        "harder contrast|hard contrast|harsh contrast|{o} with more contrast|bring out the contrast|{o} looks flat, add contrast",
    ),
    "slightly contrast": words(phrases="a bit more contrast|a little more contrast|a touch of contrast|slightly more contrast|a little contrast|a hint of contrast"),
    "much contrast": words(phrases="a lot more contrast|much more contrast|extreme contrast|very high contrast|maximum contrast|way more contrast|lots of contrast"),
    "flat": words(
        adjectives="flatter|flatter|less contrasty|less contrasted|flat|low contrast|low-contrast|lower contrast|lower in contrast|with less contrast|"
        "less dramatic|less punchy|matte|less harsh|gentler in contrast|milder|weaker in contrast",
        nouns="low contrast|low contrast|low-contrast|less contrast|lower contrast|soft contrast|weak contrast|gentle contrast|matte|flat contrast|matt",
        raised="the flatness|flatness",
        lowered="contrast|the contrast|the contrast|contrast {of}|the contrast {of}|the punch|the dynamic range|the contrast level|tonal contrast|"
        "the difference between light and dark|the tonal range",
        wrong="contrasty|harsh|punchy|dramatic|high in contrast",
        verbs="flatten {o}|flatten the contrast|flatten the tones|contrast down|turn the contrast down|make the contrast weaker|make the contrast lower|soften the contrast|"
        "compress the contrast|even out light and dark|make the contrast smaller|mute the contrast|reduce contrast|lower contrast|decrease contrast|"
        "take the contrast down",
        phrases="less contrast|lower contrast|less contrast please|weaker contrast|softer contrast|remove contrast|remove some contrast|take out some contrast|"
        "take the contrast out|take some contrast away|give {o} less contrast|give {o} less punch|give {o} a flat look|a flat look|lifted blacks|lift the blacks|"
        "too much contrast|there is too much contrast|{o} has too much contrast|the contrast is too high|the contrast is too strong|the contrast is too harsh|"
        "brighter shadows and darker highlights|bring light and dark closer together|contrast lower|{o} with less contrast|a matte look|matte finish|"
        "gentle contrast|low contrast look|fade the blacks|make the blacks less black|grey blacks|tone down the highlights and lift the shadows",
    ),
    "slightly flat": words(phrases="a bit less contrast|a little less contrast|slightly less contrast|a touch less contrast|slightly lower contrast"),
    "much flat": words(phrases="a lot less contrast|much less contrast|very low contrast|minimum contrast|way less contrast|almost no contrast|hardly any contrast"),
    "vivid": words(
        adjectives="more vivid|vivid|vivid|more saturated|saturated|more colorful|more colourful|colorful|colourful|vibrant|more vibrant|"
        "more intense in color|richer in color|richer in colour|livelier|lively|less dull|less pale|brilliantly colored|more lively|less faded",
        nouns="vivid|vivid|vibrant|saturated|colorful|colourful|vivid color|high saturation|rich color|vibrant color|lively|intense color|rich colour",
        raised="saturation|the saturation|the saturation|the saturation {of}|vibrance|the vibrance|the vibrancy|the color|the colour|the colors|the colours|"
        "color|colour|the color intensity|the colour intensity|color saturation|colour saturation|the vividness|the richness of color",
        wrong="dull|pale|faded|washed out|lifeless|drab|desaturated|colorless|colourless",
        verbs="saturate {o}|saturate the colors|saturate the colours|make the colors pop|make the colours pop|saturation up|turn the saturation up|"
        "make the colors stronger|make the colours stronger|make the colors richer|make the colours richer|boost saturation|boost the colors|enrich the colors|"
        "make the colors deeper|intensify the colors|intensify the colours|make the colors more intense|liven up the colors|"
        "bring out the colors|bring out the colours|bring the colors to life|make the colors livelier|pump up the colors|oversaturate {o}",
        phrases="more color|more colour|more saturation|more color please|vivid colors|vivid colours|vibrant colors|vibrant colours|strong colors|"
        "stronger colors|stronger colours|rich colors|richer colours|intense colors|deep colors|add color|add colour|add saturation|add more color to {o}|"
        "give {o} more color|give {o} more colour|more lively colors|let the colors shine|let the colors glow|not enough color|"
        "{o} needs more color|{o} needs more colour|{o} needs more saturation|{o} lacks color|the colors are too weak|the colors are too dull|the colours are too pale|"
        "the saturation is too low|saturated colors|bolder colors|bold colors|juicy colors|lively colours|saturation boost|like candy colors",
    ),
    "slightly vivid": words(phrases="a bit more color|a bit more colour|a little more saturation|slightly more saturation|a touch more color|a little more vibrance"),
    "much vivid": words(phrases="a lot more color|much more colour|a lot more saturation|extreme saturation|maximum saturation|super saturated colors|lots of color"),
    "muted": words(
        adjectives="muted|muted|less saturated|less vivid|less colorful|less colourful|faded|paler|pale|duller|dull|washed out|washed-out|subdued|"
        "more muted|partly desaturated|half desaturated|less vibrant|pastel|toned down|less intense in color|understated|with less color",
        nouns="muted|muted|faded|pastel|washed out|washed-out|pale|subdued|muted color|low saturation|pale color|less saturated|dull color|muted colour",
        lowered="saturation|the saturation|the saturation|the saturation {of}|vibrance|the vibrance|the vibrancy|the color intensity|the colour intensity|"
        "color saturation|colour saturation|the vividness|the richness of color|the strength of the colors",
        wrong="vivid|saturated|colorful|colourful|vibrant|gaudy|garish|oversaturated",
        verbs="mute the colors|mute the colours|mute {o}|fade the colors|fade the colours|fade {o}|tone down the colors|tone down the colours|saturation down|"
        "turn the saturation down|make the colors weaker|make the colours weaker|make the colors paler|make the colours duller|"
        "make the colors less intense|calm the colors|calm down the colors|subdue the colors|dull the colors|make the colors fade|make the colors softer|"
        "reduce saturation|lower saturation|dilute the colors|soften the colors|soften the colours",
        phrases="less color|less colour|less saturation|muted colors|muted colours|faded colors|faded colours|pale colors|pale colours|pastel colors|pastel colours|"
        "softer colors|soft colours|washed out colors|washed-out colours|weaker colors|subdued colors|dull colors|calmer colors|quiet colors|gentle colors|"
        "partially desaturate {o}|partly desaturate {o}|remove some color|remove some saturation|take out some color|take some of the colour out|give {o} less color|"
        "too much color|too much saturation|the colors are too strong|the colours are too strong|the colors are too bright|the saturation is too high|"
        "{o} needs less color|{o} with less color|less vivid colors|less intense colors|half the saturation|bleached colors|bleach the colors|not black and white, just less color",
    ),
    "slightly muted": words(
        phrases="a bit less color|a bit less colour|a little less saturation|slightly less saturation|a touch less color|desaturate {o} a bit|"
        "desaturate {o} slightly|slightly desaturate {o}|desaturate {o} a little|slightly desaturated|a bit desaturated"
    ),
    "much muted": words(phrases="a lot less color|much less colour|a lot less saturation|very little color|hardly any color|almost no color|very low saturation|desaturate {o} a lot|strongly desaturate {o}"),
    "night": words(
        adjectives="nocturnal|moonlit|like night|like nighttime|look like night|night-like|dark like at night|like midnight",
        nouns="night|night|night|nighttime|night-time|night time|midnight|night scene|night shot|moonlight|moonlit|late night|nocturnal",
        phrases="make {o} night|make it night|make it nighttime|night|at night|{o} at night|by night|{o} by night|turn day into night|turn day to night|day to night|"
        "make it look like night|make {o} look like night|as if taken at night|as if it was taken at night|as if it were night|as if at night|like at night|"
        "make it dark outside, like night|make it midnight|at midnight|{o} at midnight|in the middle of the night|in the moonlight|under the moon|"
        "lit by the moon|lit by moonlight|by moonlight|add moonlight|let the night fall|let night fall|nightfall|after dark|make {o} look like after dark|"
        "change the time to night|change the time of day to night|switch from day to night|a dark night|late at night|night mode|night mode please|turn it into night|"
        "set it at night|put {o} in the night|a night version|taken at night|photographed at night|shot at night|as seen at night|a night photo|night photography|"
        "the sun has gone down, it is night|make the day a night|dark blue night|night falls|the dead of night|i want it to be night|it should be night",
    ),
    "sunset": words(
        adjectives="like sunset|like at sunset|sunlit in the evening|like dusk|like golden hour|look like sunset|dusky|lit by the setting sun|lit by the evening sun",
        nouns="sunset|sunset|sunset|golden hour|golden hour|dusk|evening|evening light|twilight|sundown|golden-hour|sunset light|setting sun|sunset glow",
        phrases="make {o} sunset|make it sunset|sunset|at sunset|{o} at sunset|golden hour|at golden hour|{o} at golden hour|at dusk|{o} at dusk|dusk|at sundown|"
        "make it look like sunset|make {o} look like golden hour|make {o} look like sunset|as if taken at sunset|as if it was taken at sunset|as if at dusk|like at sunset|"
        "sunset light|sunset colors|sunset colours|sunset lighting|golden hour light|golden hour lighting|add sunset light|add a sunset|add the light of a sunset|add a sunset glow|"
        "evening light|evening sun|in the evening|in the evening sun|{o} in the evening|like a warm sunset|light of the setting sun|the sun is going down|the sun is setting|"
        "let the sun set|let the sun go down|as the sun sets|make the sun set|change the time to sunset|change the time of day to dusk|change the light to sunset|"
        "set it at dusk|a sunset version|taken at sunset|photographed at golden hour|shot at dusk|in the last light of the day|twilight|at twilight|low evening sun|"
        "make it evening|make it dusk|it should be sunset|late afternoon light|just before sunset|bathe {o} in sunset light|in the golden hour",
    ),
    "fog": words(
        adjectives="foggy|foggy|misty|misty|hazy|hazy|foggier|mistier|hazier|more foggy|more misty|smoky|steamy|covered in fog|shrouded in mist|"
        "full of fog|covered in mist|veiled in haze|lost in the fog",
        nouns="fog|foggy|mist|misty|haze|hazy|foggy weather|foggy day|morning mist|thick fog|misty morning|foggy morning|smoke",
        raised="fog|the fog|mist|the mist|haze|the haze|the fogginess|smoke",
        verbs="fog {o}|fog {o} up|fog up {o}|cover {o} in fog|cover {o} with fog|cover {o} with mist|fill {o} with fog|fill {o} with mist|wrap {o} in fog|wrap {o} in mist|"
        "shroud {o} in mist|shroud {o} in fog|hide {o} in the fog|veil {o} in haze|haze {o}|mist {o}|blanket {o} in fog",
        phrases="fog|mist|haze|add fog|add a fog|add some fog|add mist|add some mist|add haze|add some haze|add a layer of fog|put fog over {o}|put fog in {o}|put {o} in fog|"
        "in the fog|{o} in the fog|in the mist|{o} in the mist|in fog|make it foggy outside|on a foggy day|{o} on a foggy day|on a misty morning|"
        "like a foggy day|like a foggy morning|like london in the fog|foggy weather|misty weather|hazy weather|let fog roll in|let the fog come|bring in the fog|"
        "a foggy atmosphere|a misty mood|a hazy mood|a veil of mist|through fog|seen through fog|seen through mist|low clouds and fog|dense fog|thick fog|light fog|"
        "a foggy scene|as if there was fog|as if it was foggy|as if in the fog|with fog|with mist|smoke everywhere|add smoke|fill the air with fog",
    ),
    "keep": words(
        phrases="keep {o} as it is|keep {o} as is|leave {o} as it is|leave {o} as is|do nothing|do nothing|don't change anything|"
        "do not change anything|change nothing|no change|no changes|no edit|leave {o} unchanged|keep {o} unchanged|leave {o} alone|"
        "don't touch {o}|do not touch {o}|do not touch|don't touch|do not touch anything|don't touch anything at all|do not change {o} at all|do not alter {o} at all|"
        "don't touch {o} at all|never touch {o}|please don't touch {o}, not at all|no change at all|do not edit {o} at all|no change to {o}|"
        "there is nothing to change|keep {o} the same|same|same picture|the same picture|stay the same|keep the original|"
        "return the original|the original please|give me the original|don't edit {o}|do not edit {o}|nothing|unchanged|as is|leave as is|keep as is|"
        "just copy {o}|copy {o}|don't do anything|do not do anything|do not alter {o}|don't alter anything|{o} is fine|{o} is perfect already|"
        "{o} is good as it is|it is fine, leave it|leave everything the same|keep everything as it is|let {o} stay as it is|leave it|leave it be|let it be|"
        "without changes|exactly the same|{o} unchanged|make no changes|make no edits|nothing to change|i like {o} as it is|hands off|hands off {o}|"
        "preserve {o}|reproduce {o} exactly|keep the colors as they are|keep all colors the same|no filter|no filter please|no editing|no edits please|"
        "no modification|no modifications|do not modify {o}|don't modify anything|don't change {o}|don't change a thing|change nothing at all|"
        "{o} should stay the same|{o} must not change|everything stays as it is|keep it original|original|identical|return {o} unchanged|return the same image|"
        "output the input|don't apply anything|don't mess with {o}|leave {o} untouched|keep {o} untouched|untouched|no effect|no effects|don't rotate {o}|do not flip {o}|don't crop {o}|don't add a frame|do not add anything|don't make {o} darker|don't change the colors|do not brighten {o}|no black and white|don't filter {o}|skip the edit|pass {o} through",
    ),
}  # fmt: skip

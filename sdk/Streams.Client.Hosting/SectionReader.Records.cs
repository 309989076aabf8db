using System.Globalization;
using Microsoft.Extensions.Configuration;
using Streams.Core;

namespace Streams.Client.Hosting;

/// <summary>The settings that are more than one value.</summary>
internal sealed partial class SectionReader
{
    private bool Exists => section.GetChildren().Any() || (section as IConfigurationSection)?.Value is not null;

    private OutboxRule Rule()
    {
        OutboxRule rule = new(string.Empty, OutboxPolicy.Block);
        Text("Filter", value => rule = rule with { Filter = value });
        Choice<OutboxPolicy>("Policy", value => rule = rule with { Policy = value });
        Duration("TimeToLive", value => rule = rule with { TimeToLive = value }, () => rule = rule with { TimeToLive = null });
        Choice<PublishDurability>("Durability", value => rule = rule with { Durability = value });
        RefuseUnknown();
        return rule;
    }

    private PriorityClass Class()
    {
        PriorityClass @class = new(string.Empty, []);
        List<string> filters = [];
        Text("Name", value => @class = @class with { Name = value });
        List("Filters", filters);
        Number("OutboxBytes", value => @class = @class with { OutboxBytes = value });
        Choice<DrainOrder>("Drain", value => @class = @class with { Drain = value });
        RefuseUnknown();
        return @class with { Filters = filters };
    }

    private SendCap Cap()
    {
        SendCap cap = new();
        List<SendWindow> windows = [];
        Rate(value => cap = cap with { BytesPerSecond = value });
        Items("Windows", windows, static item => item.Window());
        Value("TimeZone", text =>
        {
            bool isKnown = TimeZoneInfo.TryFindSystemTimeZoneById(text, out TimeZoneInfo? zone);
            cap = isKnown ? cap with { TimeZone = zone! } : cap;
            return isKnown;
        }, "a time zone that this machine knows, such as Europe/Berlin", null);
        RefuseUnknown();
        return cap with { Windows = windows };
    }

    private SendWindow Window()
    {
        SendWindow window = new() { BytesPerSecond = null };
        Choice<WeekDays>("Days", value => window = window with { Days = value });
        Time("From", value => window = window with { From = value });
        Time("To", value => window = window with { To = value });
        bool isSaid = Rate(value => window = window with { BytesPerSecond = value });
        if (!isSaid)
        {
            faults.Add($"{Path}:BytesPerSecond: is missing; 'unlimited' is no limit");
        }

        RefuseUnknown();
        return window;
    }

    private CertificateFiles Files()
    {
        CertificateFiles files = new();
        Text("Certificate", value => files = files with { Certificate = value });
        Text("Key", value => files = files with { Key = value });
        Text("Trust", value => files = files with { Trust = value });
        RefuseUnknown();
        return files;
    }

    private string Path => (section as IConfigurationSection)?.Path ?? string.Empty;

    private bool Rate(Action<long?> take)
    {
        Number("BytesPerSecond", value => take(value), () => take(null), "unlimited");
        return section.GetSection("BytesPerSecond").Value is not null;
    }

    private void Time(string key, Action<TimeOnly> take) => Value(key, text =>
    {
        bool isRead = TimeOnly.TryParseExact(text, ["HH:mm", "HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None,
            out TimeOnly value);
        Take(isRead, value, take);
        return isRead;
    }, "a time of the day as hh:mm", null);

    private void Choice<T>(string key, Action<T> take)
        where T : struct, Enum => Value(key, text =>
    {
        bool isRead = text.Length > 0 && !char.IsAsciiDigit(text[0]) && Enum.TryParse(text, ignoreCase: true, out T value);
        Take(isRead, isRead ? Enum.Parse<T>(text, ignoreCase: true) : default, take);
        return isRead;
    }, string.Join(", ", Enum.GetNames<T>()), null);

    private void Items<T>(string key, IList<T> into, Func<SectionReader, T> read)
    {
        _known.Add(key);
        IConfigurationSection list = section.GetSection(key);
        if (list.Value is { Length: > 0 } text)
        {
            faults.Add($"{list.Path} '{text}': a list of sections is wanted");
            return;
        }

        IConfigurationSection[] items = [.. list.GetChildren()];
        if (items.Length > 0)
        {
            into.Clear();
            foreach (IConfigurationSection item in items)
            {
                into.Add(read(new SectionReader(item, faults)));
            }
        }
    }
}

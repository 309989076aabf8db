using System.Globalization;
using Microsoft.Extensions.Configuration;
using Streams.Core;

namespace Streams.Client.Hosting;

/// <summary>Reads one section, by hand: every value that cannot be read and every key that nobody knows is named, not only the first, and
/// nothing is found by reflection.</summary>
internal sealed partial class SectionReader(IConfiguration section, List<string> faults)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Fills settings from a section; what it does not name stays.</summary>
    public static void Read(IConfiguration section, StreamsSettings into)
    {
        SectionReader reader = new(section, into.SectionFaults);
        reader.Text("Name", value => into.Name = value);
        reader.List("Clusters", into.Clusters);
        reader.Text("OutboxPath", value => into.OutboxPath = value);
        reader.Number("OutboxBytes", value => into.OutboxBytes = value);
        reader.Items("OutboxRules", into.OutboxRules, static item => item.Rule());
        reader.Items("Classes", into.Classes, static item => item.Class());
        reader.Choice<DrainOrder>("Drain", value => into.Drain = value);
        reader.Duration("FlushWithin", value => into.FlushWithin = value);
        reader.Section("SendCap", cap => into.SendCap = cap.Exists ? cap.Cap() : into.SendCap);
        reader.Choice<BatchCompression>("Compression", value => into.Compression = value);
        reader.Whole("BatchBytes", value => into.BatchBytes = value);
        reader.Whole("BatchesInFlight", value => into.BatchesInFlight = value);
        reader.Duration("Linger", value => into.Linger = value);
        reader.Duration("Patience", value => into.Patience = value);
        reader.Whole("HoldBackEvents", value => into.HoldBackEvents = value);
        reader.Whole("ReceiveBytes", value => into.ReceiveBytes = value);
        reader.Duration("AnswerTimeout", value => into.AnswerTimeout = value);
        reader.Duration("ConnectBackoffFirst", value => into.ConnectBackoffFirst = value);
        reader.Duration("ConnectBackoffLongest", value => into.ConnectBackoffLongest = value);
        reader.Duration("StableAfter", value => into.StableAfter = value);
        reader.Choice<ClusterOrder>("Order", value => into.Order = value);
        reader.Duration("FailBackAfter", value => into.FailBackAfter = value);
        reader.Switch("UseTls", value => into.UseTls = value);
        reader.Section("CertificateFiles", files => into.CertificateFiles = files.Exists ? files.Files() : into.CertificateFiles);
        reader.Text("UserName", value => into.UserName = value);
        reader.Text("Password", value => into.Password = value);
        reader.Duration("KeepAlive", value => into.KeepAlive = value);
        reader.Switch("StoreTraceContext", value => into.StoreTraceContext = value);
        reader.Duration("CloseWithin", value => into.CloseWithin = value);
        reader.Section("Health", health => ReadHealth(health, into.Health));
        reader.RefuseUnknown();
    }

    private static void ReadHealth(SectionReader reader, StreamsHealthSettings into)
    {
        reader.Duration("DegradedDisconnected", value => into.DegradedDisconnected = value, () => into.DegradedDisconnected = null);
        reader.Duration("UnhealthyDisconnected", value => into.UnhealthyDisconnected = value, () => into.UnhealthyDisconnected = null);
        reader.Number("DegradedEvents", value => into.DegradedEvents = value, () => into.DegradedEvents = null);
        reader.Number("UnhealthyEvents", value => into.UnhealthyEvents = value, () => into.UnhealthyEvents = null);
        reader.Whole("DegradedPercent", value => into.DegradedPercent = value, () => into.DegradedPercent = null);
        reader.Whole("UnhealthyPercent", value => into.UnhealthyPercent = value, () => into.UnhealthyPercent = null);
        reader.Duration("DegradedAge", value => into.DegradedAge = value, () => into.DegradedAge = null);
        reader.Duration("UnhealthyAge", value => into.UnhealthyAge = value, () => into.UnhealthyAge = null);
        reader.RefuseUnknown();
    }

    private void Text(string key, Action<string> take) => Value(key, text =>
    {
        take(text);
        return true;
    }, "a text", null);

    private void Number(string key, Action<long> take, Action? never = null, string word = "never") => Value(key, text =>
    {
        bool isRead = long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out long value);
        Take(isRead, value, take);
        return isRead;
    }, "a whole number", never, word);

    private void Whole(string key, Action<int> take, Action? never = null) => Value(key, text =>
    {
        bool isRead = int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int value);
        Take(isRead, value, take);
        return isRead;
    }, $"a whole number, at most {int.MaxValue}", never);

    private void Duration(string key, Action<TimeSpan> take, Action? never = null) => Value(key, text =>
    {
        TimeSpan value = Timeout.InfiniteTimeSpan;
        // Without a colon the platform reads days, which nobody means.
        bool isRead = (never is null && text.Equals("infinite", StringComparison.OrdinalIgnoreCase))
            || (text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value));
        Take(isRead, value, take);
        return isRead;
    }, "a duration as hh:mm:ss, d.hh:mm:ss or hh:mm:ss.fff" + (never is null ? ", or 'infinite'" : string.Empty), never);

    private void Switch(string key, Action<bool> take) => Value(key, text =>
    {
        bool isRead = bool.TryParse(text, out bool value);
        Take(isRead, value, take);
        return isRead;
    }, "true or false", null);

    private void List(string key, IList<string> into)
    {
        _known.Add(key);
        IConfigurationSection list = section.GetSection(key);
        List<string> read = list.Value is { } text
            ? [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)]
            : [.. list.GetChildren().Select(static child => child.Value ?? string.Empty)];
        if (read.Count > 0)
        {
            into.Clear();
            read.ForEach(into.Add);
        }
    }

    private void Section(string key, Action<SectionReader> read)
    {
        _known.Add(key);
        read(new SectionReader(section.GetSection(key), faults));
    }

    private void Value(string key, Func<string, bool> read, string wanted, Action? never, string word = "never")
    {
        _known.Add(key);
        IConfigurationSection at = section.GetSection(key);
        if (at.GetChildren().Any())
        {
            faults.Add($"{at.Path}: one value is wanted, {wanted}; there is a section");
        }
        else if (at.Value is not { } text)
        {
            return;
        }
        else if (never is not null && text.Equals(word, StringComparison.OrdinalIgnoreCase))
        {
            never();
        }
        else if (!read(text))
        {
            faults.Add($"{at.Path} '{text}': {wanted}{(never is null ? string.Empty : $", or '{word}'")}");
        }
    }

    private void RefuseUnknown()
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!_known.Contains(child.Key))
            {
                faults.Add($"{child.Path}: no such setting; there are {string.Join(", ", _known)}");
            }
        }
    }

    private static void Take<T>(bool isRead, T value, Action<T> take)
    {
        if (isRead)
        {
            take(value);
        }
    }
}

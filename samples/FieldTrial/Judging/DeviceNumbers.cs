using System.Text;

namespace FieldTrial;

/// <summary>Finds a device's number by its name, from bytes, without making text of them.</summary>
internal sealed class DeviceNumbers
{
    private readonly Dictionary<string, int> _numbers;

    public DeviceNumbers(IReadOnlyList<string> devices)
    {
        _numbers = devices.Index().ToDictionary(device => device.Item, device => device.Index);
        Names = devices;
    }

    public IReadOnlyList<string> Names { get; }

    /// <summary>Reads an event of this sample; false when it is none, is damaged, or is of no device of the fleet.</summary>
    public bool TryRead(ReadOnlySpan<byte> payload, out int device, out int number)
    {
        device = -1;
        Span<char> chars = stackalloc char[128];
        return EventText.TryRead(payload, out ReadOnlySpan<byte> name, out number) && name.Length <= chars.Length
            && _numbers.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars[..Encoding.UTF8.GetChars(name, chars)], out device);
    }
}
